"""What a framework says, without its stacks and without paths of this machine."""

from service.loading.reasons import reason_of

GRAPH_ERROR = """Graph execution error:

Detected at node model/concat defined at (most recent call last):
  File "<frozen runpy>", line 198, in _run_module_as_main

  File "/srv/app/service/loading/child.py", line 98, in <module>

ConcatOp : Dimension 1 in both shapes must be equal: shape[0] = [1,3] vs. shape[1] = [1,4]
\t [[{{node model/concat}}]] [Op:__inference_serve_12]"""


def test_the_stack_of_a_graph_is_left_out() -> None:
    assert reason_of(ValueError(GRAPH_ERROR)) == (
        "ValueError: ConcatOp : Dimension 1 in both shapes must be equal: "
        "shape[0] = [1,3] vs. shape[1] = [1,4]"
    )


def test_folders_of_this_machine_are_left_out() -> None:
    error = OSError("can't open '/srv/app/lib/python3.11/keras/src/ops.py' for reading")

    assert reason_of(error) == "OSError: can't open 'ops.py' for reading"


def test_names_with_slashes_are_no_folders() -> None:
    assert reason_of(KeyError("cqt/mag/kernel")) == "KeyError: 'cqt/mag/kernel'"


def test_only_what_was_met_last_is_told() -> None:
    error = TypeError(
        "could not be deserialized.\n\nconfig={...}.\n\nException encountered: no units"
    )

    assert reason_of(error) == "TypeError: no units"


def test_colours_and_lists_of_arguments_are_left_out() -> None:
    error = ValueError("\x1b[1mNo shape.\x1b[0m\n\nArguments received by Dense.call():\n  • x=...")

    assert reason_of(error) == "ValueError: No shape."


def test_long_texts_are_cut_and_empty_ones_leave_the_class() -> None:
    assert len(reason_of(ValueError("x" * 10_000))) < 520
    assert reason_of(MemoryError()) == "MemoryError"
