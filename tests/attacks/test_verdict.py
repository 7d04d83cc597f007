"""The judge of the corpus: what counts as wrong, and how it is told."""

from pathlib import Path

import pytest

from tests.attacks.case import Case, Expect
from tests.attacks.report import BEGIN, END, Judged, tables, write_tables
from tests.attacks.trial import End, Result
from tests.attacks.verdict import find_wrong, is_vague


def _case(expect: Expect = "refuse", either: bool = False) -> Case:
    return Case("c", "corrupt", "-", expect=expect, either=either, file="models/c.h5", kind="h5")


def _result(end: End = "inspection", message: str = "c.h5: is damaged", code: str = "x") -> Result:
    return Result("c", end, code, message, 1.25, 60, files=("c.h5",))


def test_a_named_refusal_is_right() -> None:
    assert find_wrong(_case(), _result()) == []
    assert find_wrong(_case("load"), _result("accepted", "", "")) == []


@pytest.mark.parametrize(
    ("expect", "result", "told"),
    [
        ("refuse", _result("accepted", ""), "it was accepted"),
        ("refuse_digest", _result("accepted", ""), "it was accepted"),
        ("load", _result(), "a good file was refused: c.h5: is damaged"),
        ("refuse", _result("crashed", "SIGSEGV"), "the child crashed: SIGSEGV"),
        ("refuse", _result("killed", "too slow"), "the child killed: too slow"),
        ("refuse_bounded", _result("crashed", "SIGSEGV"), "the child crashed: SIGSEGV"),
        ("refuse", _result(message="is damaged"), "the refusal names no file: x is damaged"),
        ("refuse", _result(code=""), "the refusal names no file:  c.h5: is damaged"),
    ],
)
def test_everything_else_is_wrong(expect: Expect, result: Result, told: str) -> None:
    assert find_wrong(_case(expect), result) == [told]


def test_a_limit_may_end_what_explodes_only_when_run() -> None:
    assert find_wrong(_case("refuse_bounded"), _result("killed", "too slow")) == []


@pytest.mark.parametrize("end", ["accepted", "inspection"])
def test_either_answer_will_do_where_the_case_says_so(end: End) -> None:
    for expect in ("refuse", "load"):
        assert find_wrong(_case(expect, either=True), _result(end)) == []


def test_marks_leaks_and_remains_are_always_wrong() -> None:
    result = Result(
        "c", "inspection", "x", "c.h5: no", marks=("ran",), leaks=("message",), left=("child-1",),
        files=("c.h5",),
    )  # fmt: skip

    assert find_wrong(_case(either=True), result) == [
        "code ran: ran",
        "a secret was read: message",
        "left behind: child-1",
    ]


def test_a_message_tells_no_path_of_this_machine(tmp_path: Path) -> None:
    wrong = find_wrong(_case(), _result(message=f"c.h5: not in {tmp_path}"))

    assert wrong == [f"tells the path {tmp_path}"]
    assert find_wrong(_case(), _result(message="c.h5: '../../etc/passwd', /no/such/file")) == []


def test_an_error_of_python_names_no_fault() -> None:
    assert is_vague(_result(message="c.h5: KeyError: 'x'"))
    assert not is_vague(_result())


def test_the_tables_go_between_their_marks(tmp_path: Path) -> None:
    judged = [
        Judged(_case(), _result(), ()),
        Judged(_case(), _result("accepted", ""), ("it was accepted",)),
    ]
    document = tmp_path / "security.md"
    document.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")

    write_tables(document, tables(judged))

    text = document.read_text()
    assert "old" not in text
    assert "| corrupt | 2 | 0 | 1 | 0 | 0 | 1 | 1 | 1.2 s | 60 MiB |" in text
    assert text.startswith("before\n")
    assert text.endswith(f"{END}\nafter\n")
