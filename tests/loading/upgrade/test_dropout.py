"""Dropout that a model asks for even when it answers is switched off, and nothing else is."""

import copy
from typing import Any

import pytest

from service.loading.upgrade.dropout import in_training_mode, without_monte_carlo
from tests.loading.handmade import layer, sequential

OLD_CALL = [[["x", 0, 0, {"training": True}]]]
NEW_CALL = [
    {"args": [{"class_name": "__keras_tensor__", "config": {}}], "kwargs": {"training": True}}
]


def _called(kind: str, nodes: Any) -> Any:
    return sequential({**layer(kind, name="d"), "inbound_nodes": copy.deepcopy(nodes)})


@pytest.mark.parametrize("kind", ["Dropout", "SpatialDropout1D", "GaussianNoise"])
def test_the_argument_is_taken_out_of_either_form(kind: str) -> None:
    old, was_random = without_monte_carlo(_called(kind, OLD_CALL))
    new, was_random_too = without_monte_carlo(_called(kind, NEW_CALL))

    assert was_random
    assert was_random_too
    assert old["config"]["layers"][0]["inbound_nodes"] == [[["x", 0, 0, {}]]]
    assert new["config"]["layers"][0]["inbound_nodes"][0]["kwargs"] == {}


def test_the_original_is_kept() -> None:
    config = _called("Dropout", OLD_CALL)

    without_monte_carlo(config)

    assert config == _called("Dropout", OLD_CALL)


@pytest.mark.parametrize(
    "config",
    [
        _called("BatchNormalization", OLD_CALL),
        _called("Dropout", [[["x", 0, 0, {"training": False}]]]),
        _called("Dropout", [[["x", 0, 0, {}]]]),
        sequential(layer("Dropout", rate=0.5, training=True)),
    ],
)
def test_other_calls_stay_as_they_are(config: Any) -> None:
    assert without_monte_carlo(config) == (config, False)


@pytest.mark.parametrize("nodes", [OLD_CALL, NEW_CALL])
def test_a_normalization_in_training_mode_is_told(nodes: Any) -> None:
    (text,) = in_training_mode(_called("BatchNormalization", nodes))

    assert "called in training mode" in text
    assert in_training_mode(_called("Dense", nodes)) == []
    assert in_training_mode(_called("BatchNormalization", [[["x", 0, 0, {}]]])) == []


def test_a_class_that_is_no_text_does_no_harm() -> None:
    config = {"class_name": ["Dropout"], "inbound_nodes": OLD_CALL}

    assert without_monte_carlo(config) == (config, False)
    assert in_training_mode(config) == []
