"""Whole models: what is kept, what is nested, what isn't built as Keras builds them."""

import copy
from typing import Any

import pytest

from service.base.strict_json import Json
from service.loading.upgrade.model import Upgraded, upgrade
from tests.loading.handmade import layer, modern_layer, sequential, tiny
from tests.loading.upgrade.examples import EXAMPLES, INPUT, SEQUENCE, called, dense


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_the_original_is_kept(name: str) -> None:
    model, *told = EXAMPLES[name]
    before = copy.deepcopy(model)

    upgrade(model, *told)

    assert model == before


def test_a_configuration_of_keras_3_is_left_alone() -> None:
    """Its hard_sigmoid is another function of the same name: it must stay."""
    lstm = modern_layer("LSTM", recurrent_activation="hard_sigmoid", time_major=False)
    model = sequential(modern_layer("InputLayer", batch_shape=[None, 4]), lstm)

    upgraded = upgrade(model, "3.10.0")

    assert upgraded == Upgraded({**model, "module": "keras", "registered_name": None})


def test_a_functional_model_of_keras_3_learns_its_module() -> None:
    upgraded = upgrade(called(dense()), "3.4.1").config

    assert upgraded["module"] == "keras.src.models.functional"


def test_every_layer_is_looked_for_where_keras_3_has_it() -> None:
    upgraded = upgrade(tiny(), "2.4.0").config

    assert upgraded["module"] == "keras"
    assert [item["module"] for item in upgraded["config"]["layers"]] == ["keras.layers"] * 2


def test_a_custom_layer_is_looked_for_among_those_registered() -> None:
    model = sequential(INPUT, layer("Own", p=1, init="x", axis=[1], activation="relu"))

    own = upgrade(model, "2.4.0").config["config"]["layers"][1]

    assert (own["module"], own["registered_name"]) == (None, "Own")
    assert own["config"] == {"p": 1, "init": "x", "axis": [1], "activation": "relu"}


def test_a_custom_layer_keeps_the_name_that_it_is_registered_by() -> None:
    own = {**layer("Own"), "module": "theirs", "registered_name": "theirs>Own"}

    upgraded = upgrade(sequential(INPUT, own), "2.15.0").config["config"]["layers"][1]

    assert (upgraded["module"], upgraded["registered_name"]) == ("theirs", "theirs>Own")


@pytest.mark.parametrize(
    ("wrapper", "path"),
    [
        (layer("TimeDistributed", layer=layer("LeakyReLU", alpha=0.3)), ["layer"]),
        (
            layer("Bidirectional", layer=layer("LSTM"),
                  backward_layer=layer("LeakyReLU", alpha=0.3)),
            ["backward_layer"],
        ),
        (layer("RNN", cell=layer("LeakyReLU", alpha=0.3)), ["cell"]),
        (
            layer("RNN", cell=layer("StackedRNNCells", cells=[layer("LeakyReLU", alpha=0.3)])),
            ["cell", "cells"],
        ),
        (
            layer("TimeDistributed", layer=layer("Bidirectional",
                                                 layer=layer("LeakyReLU", alpha=0.3))),
            ["layer", "layer"],
        ),
        (layer("Dense", units=2, activation=layer("LeakyReLU", alpha=0.3)), ["activation"]),
    ],
)  # fmt: skip
def test_wrapped_layers_are_upgraded_too(wrapper: Json, path: list[str]) -> None:
    upgraded = upgrade(sequential(INPUT, wrapper), "2.4.0")

    found = upgraded.config["config"]["layers"][1]["config"]
    for key in path:
        inner = found[key][0] if isinstance(found[key], list) else found[key]
        assert inner["module"] == "keras.layers"
        found = inner["config"]
    assert found == {"negative_slope": 0.3}
    assert "leaky_slope" in upgraded.rules


def test_models_within_models_are_upgraded_too() -> None:
    inner = sequential(INPUT, layer("LeakyReLU", alpha=0.3))

    _, nested = upgrade(sequential(INPUT, inner), "2.4.0").config["config"]["layers"]

    assert nested["class_name"] == "Sequential"
    assert nested["config"]["layers"][1]["config"] == {"negative_slope": 0.3}


@pytest.mark.parametrize(
    "model",
    [
        {"class_name": "Sequential"},
        {"class_name": "Sequential", "config": 7},
        sequential({"class_name": "Dense"}),
        sequential(INPUT, {"config": {}}),
        {"class_name": "Model", "config": {"layers": [INPUT]}},
        {"class_name": "Model", "config": {"layers": [{**INPUT, "name": "x"}]}},
    ],
)
def test_what_is_no_model_of_keras_is_an_error(model: Any) -> None:
    with pytest.raises(ValueError, match="isn't built as Keras builds them"):
        upgrade(model, "2.4.0")


def test_a_model_for_every_step_is_told() -> None:
    model = sequential(SEQUENCE, layer("TimeDistributed", name="t", layer=tiny()))

    assert "layer 't' applies a whole model to every step" in upgrade(model, "2.8.0").notes[0]
