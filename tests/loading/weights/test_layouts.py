"""Arrays as other layers, versions and backends kept them."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from service.loading.weights.layouts import (
    Layout,
    conv1d_of_keras_1,
    conv_of_keras_1,
    convert,
    flip_kernel,
    from_cudnn_gru,
    from_cudnn_lstm,
    gates_of_keras_1,
)

KERAS_1 = Layout(is_keras_1=True)
THEANO = Layout(is_keras_1=True, is_channels_first=True, is_flipped=True)


def _random(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).normal(size=shape).astype("f4")


def _layer(kind: str, **attributes: Any) -> Any:
    return type(kind, (SimpleNamespace,), {})(**attributes)


def test_a_cudnn_lstm_transposes_each_gate_and_has_two_biases() -> None:
    kernel, recurrent, bias = _random(5, 12), _random(3, 12), _random(24)

    ours = from_cudnn_lstm([kernel, recurrent, bias])

    for gate in range(4):
        columns = slice(3 * gate, 3 * gate + 3)
        assert (ours[0][:, columns].T.ravel() == kernel[:, columns].ravel()).all()
        assert (ours[1][:, columns] == recurrent[:, columns].T).all()
    assert (ours[2] == bias[:12] + bias[12:]).all()


def test_a_cudnn_gru_keeps_both_biases() -> None:
    kernel, recurrent, bias = _random(5, 9), _random(3, 9), _random(18)

    ours = from_cudnn_gru([kernel, recurrent, bias])

    assert (ours[1][:, 3:6] == recurrent[:, 3:6].T).all()
    assert (ours[2] == [bias[:9], bias[9:]]).all()


def test_cudnn_arrays_are_known_by_their_bias() -> None:
    arrays = [_random(5, 12), _random(3, 12), _random(24)]

    converted, notes = convert(_layer("LSTMCell"), arrays, [(5, 12), (3, 12), (12,)], Layout())

    assert notes == ["CuDNNLSTM to LSTM"]
    assert converted[2].shape == (12,)


def test_todays_arrays_stay_as_they_are() -> None:
    arrays = [_random(5, 12), _random(3, 12), _random(12)]

    assert convert(_layer("LSTM"), arrays, [a.shape for a in arrays], Layout()) == (arrays, [])


def test_a_gru_that_resets_before_takes_no_cudnn_arrays() -> None:
    arrays = [_random(5, 9), _random(3, 9), _random(18)]

    assert convert(_layer("GRU"), arrays, [(5, 9), (3, 9), (9,)], Layout())[1] == []


def test_the_gates_of_keras_1_change_places() -> None:
    """It kept i, c, f, o; today it is i, f, c, o."""
    arrays = [np.full((1, 1), 3 * gate + part) for gate in range(4) for part in range(3)]

    kernel, recurrent, bias = gates_of_keras_1(arrays, "icfo", "ifco")

    assert kernel.tolist() == [[0, 6, 3, 9]]
    assert recurrent.tolist() == [[1, 7, 4, 10]]
    assert bias.tolist() == [[2, 8, 5, 11]]


@pytest.mark.parametrize("axes", [(0, 1, 2, 3), (3, 2, 0, 1)])
def test_a_convolution_over_time_had_four_axes(axes: tuple[int, ...]) -> None:
    kernel = _random(5, 1, 2, 3)  # length, 1, in, out

    assert (conv1d_of_keras_1(kernel.transpose(axes), 5, 3) == kernel[:, 0]).all()


@pytest.mark.parametrize(
    ("kind", "is_channels_first", "old", "new"),
    [
        ("Conv2D", True, (8, 3, 5, 4), (5, 4, 3, 8)),
        ("Conv2D", False, (5, 4, 3, 8), (5, 4, 3, 8)),
        ("Conv3D", True, (8, 3, 5, 4, 2), (5, 4, 2, 3, 8)),
        ("Conv2DTranspose", True, (8, 3, 5, 4), (5, 4, 8, 3)),
        ("Conv2DTranspose", False, (5, 4, 3, 8), (5, 4, 8, 3)),
    ],
)
def test_the_axes_of_a_kernel_of_keras_1(
    kind: str, is_channels_first: bool, old: tuple[int, ...], new: tuple[int, ...]
) -> None:
    assert conv_of_keras_1(np.ones(old), kind, is_channels_first).shape == new


@pytest.mark.parametrize("shape", [(3, 2, 2), (3, 4, 2, 2), (3, 4, 5, 2, 2)])
def test_theano_turns_kernels_round_in_space_only(shape: tuple[int, ...]) -> None:
    kernel = _random(*shape)

    turned = flip_kernel(kernel)

    assert (turned[(0,) * (len(shape) - 2)] == kernel[(-1,) * (len(shape) - 2)]).all()
    assert (flip_kernel(turned) == kernel).all()


def test_a_kernel_of_theano_and_keras_1() -> None:
    kernel = _random(8, 3, 5, 4)

    (ours, _), notes = convert(
        _layer("Conv2D", data_format="channels_first"), [kernel, _random(8)], [], THEANO
    )

    assert ours[0, 0, 1, 2] == kernel[2, 1, 4, 3]
    assert len(notes) == 2


def test_a_dense_layer_is_never_turned() -> None:
    kernel = _random(4, 3)

    assert convert(_layer("Dense"), [kernel], [(4, 3)], THEANO)[0][0] is kernel


def test_a_convolution_over_time_of_keras_1_is_known_by_its_axes() -> None:
    layer = _layer("Conv1D", kernel_size=(5,), filters=3)

    (kernel, _), notes = convert(layer, [_random(5, 1, 2, 3), _random(3)], [], KERAS_1)

    assert kernel.shape == (5, 2, 3)
    assert notes


@pytest.mark.parametrize(
    ("kind", "gates", "places"), [("LSTM", 4, ()), ("GRU", 3, ()), ("ConvLSTM2D", 4, (3, 3))]
)
def test_gates_of_keras_1_by_layer(kind: str, gates: int, places: tuple[int, ...]) -> None:
    arrays = [_random(*places, 2, 4), _random(*places, 4, 4), _random(4)] * gates

    converted, notes = convert(_layer(kind), arrays, [], KERAS_1)

    assert [each.shape[-1] for each in converted] == [4 * gates] * 3
    assert notes == ["gates of Keras 1 put side by side"]


def test_a_convolving_lstm_with_channels_first() -> None:
    """Its gates can be put side by side only after the axes were turned."""
    arrays = [_random(4, 2, 3, 3), _random(4, 4, 3, 3), _random(4)] * 4
    layer = _layer("ConvLSTM2D", data_format="channels_first")

    converted, _ = convert(layer, arrays, [], Layout(is_keras_1=True, is_channels_first=True))

    assert [each.shape for each in converted] == [(3, 3, 2, 16), (3, 3, 4, 16), (16,)]
