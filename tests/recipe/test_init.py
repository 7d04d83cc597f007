"""How a training may be asked to begin, and what is said to those who ask for something else."""

from typing import Any

import pytest
from pydantic import ValidationError

from service.recipe.init import AllButLast, Init


def test_begins_with_the_current_version_as_it_is() -> None:
    init = Init()

    assert (init.start, init.version, init.freeze, init.replace_head) == (
        "weights", None, None, None,
    )  # fmt: skip


def test_reads_its_own_record_again() -> None:
    init = Init.model_validate(
        {
            "from": "file",
            "weights_file": "imagenet/base.weights.h5",
            "freeze": "conv*",
            "replace_head": {"classes": 3, "labels": ["ant", "bee", "cow"]},
        }
    )

    assert init.freeze == ("conv*",)
    assert Init.model_validate(init.model_dump(mode="json")) == init
    assert Init.model_validate(init.model_dump(mode="json", by_alias=True)) == init


def test_freezes_all_but_the_last() -> None:
    init = Init.model_validate({"freeze": {"all_but_last": 2}})

    assert init.freeze == AllButLast(all_but_last=2)


@pytest.mark.parametrize(("classes", "outputs"), [(2, 1), (3, 3), (10, 10)])
def test_two_classes_have_one_output(classes: int, outputs: int) -> None:
    head = Init.model_validate({"replace_head": {"classes": classes}}).replace_head

    assert head is not None
    assert head.outputs == outputs


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"from": "file"}, "from file needs weights_file"),
        ({"weights_file": "a.h5"}, 'weights_file is read with "from": "file" only'),
        ({"from": "nothing"}, "Input should be 'weights', 'architecture' or 'file'"),
        ({"from": "file", "weights_file": "../a.h5"}, "a path below the data folder"),
        ({"version": 0}, "greater than or equal to 1"),
        ({"freeze": 3}, "expected layer names or patterns"),
        ({"freeze": [""]}, "expected layer names or patterns"),
        ({"freeze": {"all_but_last": 0}}, "expected layer names or patterns"),
        ({"freeze": {"all_but_last": True}}, "expected layer names or patterns"),
        ({"freeze": ["a"] * 1001}, "expected at most 1000 names"),
        ({"replace_head": {"classes": 1}}, "greater than or equal to 2"),
        ({"replace_head": {"classes": 3, "labels": ["a"]}}, "labels names 1 classes"),
        ({"replace_head": {"classes": 2, "labels": ["a", "a"]}}, "names a class twice"),
        ({"unfreeze": ["a"]}, "'unfreeze' is unknown; expected some of from, version, "),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_says_in_one_line_what_is_wrong(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Init.model_validate(given)

    assert [told in error["msg"] for error in caught.value.errors()] == [True]
