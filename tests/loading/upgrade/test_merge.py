"""Merge of Keras 1, within a graph and at the head of a Sequential."""

from typing import Any

import pytest

from service.base.strict_json import Json
from service.loading.upgrade.model import upgrade
from tests.loading.handmade import layer, sequential
from tests.loading.upgrade.examples import called, merged

TWICE = [[["x", 0, 0], ["x", 0, 0]]]


@pytest.mark.parametrize(
    ("settings", "kind", "config"),
    [
        ({"mode": "sum"}, "Add", {}),
        ({"mode": "mul"}, "Multiply", {}),
        ({"mode": "ave"}, "Average", {}),
        ({"mode": "max"}, "Maximum", {}),
        ({"mode": "concat", "concat_axis": 1}, "Concatenate", {"axis": 1}),
        ({"mode": "dot", "dot_axes": [2, 2], "mode_type": "raw"}, "Dot", {"axes": [2, 2]}),
    ],
)
def test_a_way_of_merging_is_a_class(settings: Json, kind: str, config: Json) -> None:
    model = called(layer("Merge", output_shape=None, arguments={}, **settings), calls=TWICE)

    after = upgrade(model, "1.2.2").config["config"]["layers"][1]

    assert (after["class_name"], after["config"]) == (kind, {"name": "y", **config})


@pytest.mark.parametrize(
    "settings", [{"mode": "cos"}, {"mode": "<lambda>", "mode_type": "lambda"}, {"mode": ["4wMA"]}]
)
def test_merging_by_code_is_an_error(settings: Json) -> None:
    settings = {**settings, "mode": str(settings["mode"])}

    with pytest.raises(ValueError, match="'y' merges by"):
        upgrade(called(layer("Merge", **settings), calls=TWICE), "1.2.2")


def test_a_sequential_that_begins_with_branches_is_functional() -> None:
    upgraded = upgrade(merged(), "1.2.2").config

    layers = upgraded["config"]["layers"]
    calls = {item["name"]: item["inbound_nodes"] for item in layers}
    assert upgraded["class_name"] == "Functional"
    assert calls == {
        "a_input": [],
        "a": [[["a_input", 0, 0, {}]]],
        "b_input": [],
        "b": [[["b_input", 0, 0, {}]]],
        "m": [[["a", 0, 0, {}], ["b", 0, 0, {}]]],
        "y": [[["m", 0, 0, {}]]],
    }
    assert upgraded["config"]["input_layers"] == [["a_input", 0, 0], ["b_input", 0, 0]]
    assert upgraded["config"]["output_layers"] == [["y", 0, 0]]


@pytest.mark.parametrize(
    ("branch", "words"),
    [
        (layer("Dense", name="d", output_dim=2), "a Merge of something else"),
        (sequential(layer("Dense", name="d", output_dim=2)), "says nowhere what shape"),
    ],
)
def test_branches_that_are_no_models_are_an_error(branch: Any, words: str) -> None:
    merge = layer("Merge", name="m", mode="sum", layers=[branch, branch])

    with pytest.raises(ValueError, match=words):
        upgrade({"class_name": "Sequential", "config": [merge]}, "1.2.2")
