"""Activations by name, by object, of old and of the operator's own."""

from typing import Any

import pytest

from service.base.strict_json import Json
from service.loading.upgrade.model import upgrade
from tests.loading.handmade import layer, sequential
from tests.loading.upgrade.examples import INPUT, PICTURE

LEGACY_HARD_SIGMOID = {
    "module": "builtins",
    "class_name": "function",
    "config": "legacy_hard_sigmoid",
    "registered_name": "kerasd>legacy_hard_sigmoid",
}
FUNCTION = {"module": "builtins", "class_name": "function", "registered_name": None}


def _upgraded(item: Json) -> Any:
    return upgrade(sequential(INPUT, item), "2.4.0").config["config"]["layers"][1]["config"]


@pytest.mark.parametrize(
    "value",
    [
        "hard_sigmoid",
        {**FUNCTION, "config": "hard_sigmoid"},
        {"class_name": "function", "config": "hard_sigmoid"},
        {"class_name": "hard_sigmoid", "config": "hard_sigmoid"},
    ],
)
@pytest.mark.parametrize("kind", ["Dense", "Activation", "Conv2D", "SimpleRNN", "Own"])
def test_hard_sigmoid_is_the_one_of_old_in_every_form(kind: str, value: Any) -> None:
    assert _upgraded(layer(kind, activation=value)) == {"activation": LEGACY_HARD_SIGMOID}


@pytest.mark.parametrize("kind", ["LSTM", "ConvLSTM2D"])
def test_gates_are_of_old_too(kind: str) -> None:
    found = _upgraded(layer(kind, recurrent_activation="hard_sigmoid", activation="tanh"))

    assert found == {"recurrent_activation": LEGACY_HARD_SIGMOID, "activation": "tanh"}


def test_cells_within_wrappers_are_of_old_too() -> None:
    cell = layer("LSTMCell", units=2, recurrent_activation="hard_sigmoid")

    found = _upgraded(layer("Bidirectional", layer=layer("RNN", cell=cell)))

    inner = found["layer"]["config"]["cell"]["config"]
    assert inner["recurrent_activation"] == LEGACY_HARD_SIGMOID


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("softmax_v2", "softmax"),
        ({**FUNCTION, "config": "swish"}, "swish"),
        ("gelu", "gelu"),
        (None, None),
    ],
)
def test_other_functions_of_keras_keep_their_names(value: Any, name: str | None) -> None:
    assert _upgraded(layer("Dense", activation=value)) == {"activation": name}


def test_a_function_of_the_operators_is_looked_for_by_its_name() -> None:
    found = _upgraded(layer("Dense", activation="<lambda>"))["activation"]

    assert found == {**FUNCTION, "config": "<lambda>", "registered_name": "<lambda>"}


def test_a_layer_as_an_activation_is_a_layer() -> None:
    item = layer("Dense", units=2, activation=layer("LeakyReLU", alpha=0.3))

    upgraded = upgrade(sequential(PICTURE, item), "2.4.0")

    found = upgraded.config["config"]["layers"][1]["config"]["activation"]
    assert (found["module"], found["config"]) == ("keras.layers", {"negative_slope": 0.3})
