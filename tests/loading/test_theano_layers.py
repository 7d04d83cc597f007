"""Our layers pad as Theano did: by a reference in NumPy, and by numbers of the engines."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.loading.allow_list.own_names import OWN_CLASSES
from tests.loading.theano_padding import convolved, pooled, transposed

pytestmark = pytest.mark.slow
FORMATS = ("channels_last", "channels_first")


def _random(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).normal(size=shape).astype("f4")


def _ours(kind: str, **settings: Any) -> Any:
    from service.loading import theano_layers

    return getattr(theano_layers, kind)(padding="same", **settings)


def _answer(layer: Any, x: np.ndarray, *weights: np.ndarray) -> np.ndarray:
    """What a layer makes of a batch whose channels come last, by itself and in a free graph."""
    import keras

    is_first = layer.data_format == "channels_first"
    x = np.moveaxis(x, -1, 1) if is_first else x
    free = [size if (axis == 0) is is_first else None for axis, size in enumerate(x.shape[1:])]
    inputs = keras.Input([*free[:-1], None if is_first else x.shape[-1]])
    outputs = layer(inputs)
    layer.set_weights(list(weights))
    answer = np.asarray(keras.Model(inputs, outputs)(x))
    assert layer.compute_output_shape(x.shape) == answer.shape
    return np.moveaxis(answer, 1, -1) if is_first else answer


@pytest.mark.parametrize("data_format", FORMATS)
@pytest.mark.parametrize(
    ("sides", "steps", "rates"),
    [
        ((2,), (1,), (1,)),
        ((4,), (3,), (1,)),
        ((3, 3), (2, 2), (1, 1)),
        ((2, 4), (1, 1), (1, 1)),
        ((4, 1), (2, 3), (1, 1)),
        ((5, 2), (1, 1), (2, 3)),
        ((2, 3, 2), (2, 1, 3), (1, 1, 1)),
        ((2, 2, 3), (1, 1, 1), (3, 1, 2)),
    ],
)
def test_convolutions(
    sides: tuple[int, ...], steps: tuple[int, ...], rates: tuple[int, ...], data_format: str
) -> None:
    kernel = _random(*sides, 2, 5)
    for size in (7, 8):
        layer = _ours(f"Conv{len(sides)}D", filters=5, kernel_size=sides, strides=steps,
                      dilation_rate=rates, data_format=data_format, use_bias=False)  # fmt: skip
        x = _random(2, *(size + axis for axis in range(len(sides))), 2)

        answer = _answer(layer, x, kernel)

        np.testing.assert_allclose(answer, convolved(x, kernel, steps, rates), atol=1e-5)


@pytest.mark.parametrize("data_format", FORMATS)
@pytest.mark.parametrize("kind", ["max", "average", "counted"])
@pytest.mark.parametrize(
    ("sides", "steps"),
    [
        ((4,), (1,)),
        ((2, 2), (2, 2)),
        ((3, 5), (1, 2)),
        ((1, 2), (3, 3)),
        ((2, 3, 5), (2, 1, 3)),
    ],
)
def test_pooling(
    sides: tuple[int, ...], steps: tuple[int, ...], kind: str, data_format: str
) -> None:
    name = f"{'Max' if kind == 'max' else 'Average'}Pooling{len(sides)}D"
    more = {} if kind == "max" else {"count_padding": kind == "counted"}
    for size in (6, 7):
        layer = _ours(name, pool_size=sides, strides=steps, data_format=data_format, **more)
        x = _random(2, *(size + axis for axis in range(len(sides))), 3) - 9

        answer = _answer(layer, x)

        np.testing.assert_allclose(answer, pooled(x, sides, steps, kind), rtol=1e-5)


@pytest.mark.parametrize("data_format", FORMATS)
@pytest.mark.parametrize(
    ("sides", "steps"),
    [((3, 3), (2, 2)), ((5, 3), (3, 1)), ((1, 3), (2, 2)), ((3, 3, 3), (2, 2, 1))],
)
def test_transposed_convolutions(
    sides: tuple[int, ...], steps: tuple[int, ...], data_format: str
) -> None:
    kernel, x = _random(*sides, 5, 2), _random(2, *(4, 3, 5)[: len(sides)], 2)
    layer = _ours(f"Conv{len(sides)}DTranspose", filters=5, kernel_size=sides, strides=steps,
                  data_format=data_format, use_bias=False)  # fmt: skip

    np.testing.assert_allclose(_answer(layer, x, kernel), transposed(x, kernel, steps), atol=1e-5)


@pytest.mark.parametrize(("side", "step"), [(2, 1), (3, 2), (4, 2)])
def test_channel_by_channel(side: int, step: int) -> None:
    """A depthwise convolution is one with a kernel that is zero between the channels."""
    depthwise, pointwise = _random(side, side, 2, 1), _random(1, 1, 2, 3)
    kernel = np.zeros((side, side, 2, 2), "f4")
    kernel[:, :, [0, 1], [0, 1]] = depthwise[..., 0]
    x, steps = _random(2, 7, 8, 2), (step, step)
    settings = {"kernel_size": side, "strides": step, "use_bias": False}
    expected = convolved(x, kernel, steps, (1, 1))

    answer = _answer(_ours("DepthwiseConv2D", **settings), x, depthwise)
    mixed = _answer(_ours("SeparableConv2D", filters=3, **settings), x, depthwise, pointwise)

    np.testing.assert_allclose(answer, expected, atol=1e-5)
    np.testing.assert_allclose(mixed, expected @ pointwise[0, 0], atol=1e-5)


@pytest.mark.parametrize(
    ("kernel", "step", "rate", "length", "expected"),
    [
        ([1, 10], 1, 1, 5, [1, 12, 23, 34, 45]),
        ([1, 10, 100, 1000], 1, 1, 5, [12, 123, 1234, 2345, 3450]),
        ([1, 10, 100], 2, 1, 6, [12, 234, 456]),
        ([1, 10], 3, 1, 6, [1, 34]),
        ([1, 10], 1, 3, 5, [2, 3, 14, 25, 30]),
    ],
)
def test_numbers_that_keras_gave_on_theano(
    kernel: Sequence[int], step: int, rate: int, length: int, expected: Sequence[int]
) -> None:
    """By Keras 1.2.2, 2.0.8 and 2.2.4 on Theano 0.9, for 1, 2, 3, ...; Theano turns kernels."""
    layer = _ours("Conv1D", filters=1, kernel_size=len(kernel), strides=step, dilation_rate=rate,
                  use_bias=False)  # fmt: skip
    x = np.arange(1, length + 1, dtype="f4").reshape(1, -1, 1)

    answer = _answer(layer, x, np.asarray(kernel[::-1], "f4").reshape(-1, 1, 1))

    assert answer.ravel().tolist() == expected


@pytest.mark.parametrize(
    ("kind", "settings", "expected"),
    [
        ("MaxPooling1D", {"pool_size": 4, "strides": 4}, [3, 4]),
        ("MaxPooling1D", {"pool_size": 2, "strides": 2}, [3, 4, -1]),
        ("AveragePooling1D", {"pool_size": 2, "strides": 2}, [3, 1.5, -3]),
    ],
)
def test_pools_that_keras_gave_on_theano(
    kind: str, settings: dict[str, int], expected: Sequence[float]
) -> None:
    """By Keras 1.2.2 and 2.2.4 on Theano 0.9."""
    x = np.asarray([3, -1, 4, -1, -5, -9], "f4").reshape(1, -1, 1)

    assert _answer(_ours(kind, **settings), x).ravel().tolist() == expected


@pytest.mark.parametrize(
    ("side", "counted", "expected"),
    [(2, False, [1, 2.5, 4.5]), (2, True, [0.5, 2.5, 4.5]),
     (5, False, [1.5, 2.5, 4]), (5, True, [0.6, 2, 4])],
)  # fmt: skip
def test_averages_that_keras_gave_on_theano(
    side: int, counted: bool, expected: Sequence[float]
) -> None:
    """Without the padding by Keras 1.2.2 and 2.2.4, with it by Keras 2.0.8, for 1 to 6."""
    layer = _ours("AveragePooling1D", pool_size=side, strides=2, count_padding=counted)
    x = np.arange(1, 7, dtype="f4").reshape(1, -1, 1)

    np.testing.assert_allclose(_answer(layer, x).ravel(), expected, rtol=1e-6)


def test_a_transposed_one_that_keras_gave_on_theano() -> None:
    """By Keras 2.0.8 and 2.2.4 on Theano 0.9, with the kernel 1, 10, 100, which Theano turns."""
    layer = _ours("Conv2DTranspose", filters=1, kernel_size=(1, 3), strides=(1, 2), use_bias=False)
    kernel = np.asarray([100, 10, 1], "f4").reshape(1, 3, 1, 1)

    answer = _answer(layer, np.asarray([1, 2, 3], "f4").reshape(1, 1, 3, 1), kernel)

    assert answer.ravel().tolist() == [10, 201, 20, 302, 30, 3]


def test_all_are_registered_and_known_again() -> None:
    import keras

    from service.loading import legacy_layers, theano_layers

    names = {
        keras.saving.get_registered_name(each)
        for module in (legacy_layers, theano_layers)
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, keras.layers.Layer)
    }

    assert names - {"Layer"} == OWN_CLASSES


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy")
def test_they_are_written_and_read(tmp_path: Path) -> None:
    import keras

    layers = [
        _ours("Conv2D", filters=2, kernel_size=2),
        _ours("AveragePooling2D", pool_size=2, count_padding=True),
        _ours("Conv2DTranspose", filters=2, kernel_size=3, strides=2),
    ]
    model = keras.Sequential([keras.Input((7, 6, 2)), *layers])
    x = _random(2, 7, 6, 2)

    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")

    np.testing.assert_array_equal(np.asarray(again(x)), np.asarray(model(x)))
    assert [layer.get_config()["padding"] for layer in again.layers] == ["same"] * 3
    assert again.layers[1].count_padding
