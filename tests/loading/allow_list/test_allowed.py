"""The list of what a configuration may say is that of the Keras versions that are installed."""

import orjson
import pytest

from service.loading.allow_list.allowed import (
    ACTIVATIONS,
    ALLOWED_FILE,
    LAYERS,
    arguments_of,
    is_of_keras,
    is_small_part,
    operation_arguments,
)


@pytest.mark.slow
def test_the_list_is_what_its_maker_makes() -> None:
    from tests.loading.allow_list.make_allowed import make

    assert orjson.loads(ALLOWED_FILE.read_bytes()) == make()


@pytest.mark.slow
def test_every_listed_layer_and_activation_is_one_of_keras() -> None:
    import keras
    import tf_keras

    for name in LAYERS:
        homes = (keras.layers, tf_keras.layers, tf_keras.layers.experimental)
        assert any(hasattr(home, name) for home in homes), name
    for name in ACTIVATIONS - {"softmax_v2"}:  # TensorFlow's own name for it
        assert callable(getattr(keras.activations, name)), name


def test_a_layer_takes_its_own_arguments_and_those_of_all_layers() -> None:
    assert {"units", "activation", "name", "dtype"} <= arguments_of("Dense")
    assert "vocabulary" in arguments_of("StringLookup")
    assert arguments_of("Nonsense") == frozenset()


def test_no_argument_takes_functions_or_arrays_of_weights() -> None:
    everything = set().union(*map(arguments_of, LAYERS))

    assert not {"pool_function", "weights", "fn", "function"} & everything


def test_operations_that_take_functions_are_not_listed() -> None:
    assert operation_arguments("keras.src.ops.numpy", "Matmul") is not None
    assert operation_arguments("keras.src.ops.core", "Map") is None
    assert operation_arguments("keras.src.ops.numpy", "Vectorize") is None


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (None, True),
        ("keras", True),
        ("keras.layers", True),
        ("keras.src.models.functional", True),
        ("tensorflow.python.keras.layers.core", True),
        ("tf_keras.src.engine.functional", True),
        ("keras.src.saving.saving_lib", False),
        ("keras.src.layers.core.dense_test", False),
        ("keras.utils", False),
        ("keras.layers ", False),
        (["keras"], False),
    ],
)
def test_where_keras_keeps_what_is_listed(module: object, expected: bool) -> None:
    assert is_of_keras(module) is expected


@pytest.mark.parametrize("name", ["GlorotUniform", "GlorotUniformV2", "L2", "MaxNorm", "Policy"])
def test_small_parts_of_any_era(name: str) -> None:
    assert is_small_part(name)
