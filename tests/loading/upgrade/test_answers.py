"""Models that Keras 2 made answer the same after their configuration was upgraded."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from service.loading.upgrade.model import upgrade
from tests.loading.upgrade import keras_2_models

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask:UserWarning"),
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy"),
]
NEW_KEYS = {"module", "registered_name", "build_config"}


@pytest.mark.parametrize("is_archive", [True, False], ids=["2.15", "2.6"])
@pytest.mark.parametrize(
    "make",
    [
        keras_2_models.pictures,
        keras_2_models.sequences,
        keras_2_models.films,
        keras_2_models.attentions,
        keras_2_models.nested,
        keras_2_models.functions,
        keras_2_models.preparations,
        keras_2_models.names,
        keras_2_models.activations,
        keras_2_models.mixed_precision,
    ],
)
def test_answers_as_keras_2(make: Callable[[], Any], is_archive: bool) -> None:
    old = make()
    _scatter(old)
    config = json.loads(old.to_json())

    upgraded = upgrade(
        config if is_archive else _older(config), "2.15.0" if is_archive else "2.6.0"
    )

    new = _built(upgraded.config)
    _copy_weights(old, new, dict(upgraded.renamed))
    inputs = _inputs(old, "sequences" in make.__name__)
    for mine, theirs in zip(_answers(new, inputs), _answers(old, inputs), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5)


def _older(value: Any) -> Any:
    """A configuration without what Keras 2.12 added to it."""
    if isinstance(value, dict):
        return {key: _older(item) for key, item in value.items() if key not in NEW_KEYS}
    return [_older(item) for item in value] if isinstance(value, list) else value


def _scatter(model: Any) -> None:
    random = np.random.default_rng(3)
    for variable in model.trainable_variables:
        variable.assign(random.normal(0, 0.4, variable.shape))
    for variable in model.variables:
        if "moving" in variable.name:
            variable.assign(random.uniform(0.5, 1.5, variable.shape))


def _built(config: Any) -> Any:
    import keras

    import service.loading.legacy_layers  # noqa: F401

    return keras.saving.deserialize_keras_object(config)


def _copy_weights(old: Any, new: Any, renamed: dict[str, str]) -> None:
    """Give the new model the old one's weights, layer by layer, by the names in the file."""
    by_name = {renamed.get(layer.name, layer.name): layer for layer in new.layers}
    for layer in (layer for layer in old.layers if layer.weights):
        given = layer.trainable_weights + layer.non_trainable_weights
        target = by_name[layer.name]
        taken = target.trainable_weights + target.non_trainable_weights
        taken = [v for v in taken if "count" not in v.path] if _is_normalization(layer) else taken
        given = [v for v in given if "count" not in v.name] if _is_normalization(layer) else given
        assert [tuple(v.shape) for v in given] == [tuple(v.shape) for v in taken], layer.name
        for mine, theirs in zip(taken, given, strict=True):
            mine.assign(theirs.numpy())
        if _is_normalization(layer):
            target.finalize_state()


def _is_normalization(layer: Any) -> bool:
    return bool(type(layer).__name__ == "Normalization")


def _inputs(model: Any, are_words: bool) -> list[np.ndarray]:
    random = np.random.default_rng(5)
    shapes = [(3, *tensor.shape[1:]) for tensor in model.inputs]
    if are_words:
        return [random.integers(0, 20, shape).astype("float32") for shape in shapes]
    return [random.normal(0, 1, shape).astype("float32") for shape in shapes]


def _answers(model: Any, inputs: list[np.ndarray]) -> list[np.ndarray]:
    import tensorflow as tf

    is_graph = type(model).__name__ == "Functional"  # both Keras want a list for it
    answers = model(inputs if is_graph else inputs[0], training=False)
    return [np.asarray(answer) for answer in tf.nest.flatten(answers)]
