"""Turn arrays as other layers, versions and backends kept them into what a layer of today takes.

The facts are those of the loaders of Keras 2 (`hdf5_format.py`, `preprocess_weights_for_loading`).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

CONVOLUTIONS = {"Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose"}
CONVOLUTIONS |= {"Conv3DTranspose", "ConvLSTM2D", "ConvLSTM2DCell"}
LSTM = {"LSTM", "LSTMCell"}
GRU = {"GRU", "GRUCell"}
KERAS_1_LSTM = "icfo"  # the order in which Keras 1 kept the gates
KERAS_2_LSTM = "ifco"
KERAS_1_GRU = "zrh"


@dataclass(frozen=True, slots=True)
class Layout:
    """How the arrays of a file lie: by Keras 1, channels first, and by a convolving Theano."""

    is_keras_1: bool = False
    is_channels_first: bool = False
    is_flipped: bool = False


def convert(
    layer: Any, arrays: list[np.ndarray], shapes: list[tuple[int, ...]], layout: Layout
) -> tuple[list[np.ndarray], list[str]]:
    """The arrays as `layer` takes them, and what was done; `shapes` are those of its variables.

    What isn't recognised stays as it is: the caller compares shapes afterwards.
    """
    notes: list[str] = []
    kind = _kind(layer)
    if layout.is_keras_1:
        arrays = _from_keras_1(layer, kind, arrays, layout, notes)
    if layout.is_flipped and kind in CONVOLUTIONS and arrays:
        arrays = _flipped(kind, arrays)
        notes.append("kernels of convolutions turned round (Theano)")
    if kind in LSTM and _is_cudnn_lstm(arrays):
        arrays = from_cudnn_lstm(arrays)
        notes.append("CuDNNLSTM to LSTM")
    if kind in GRU and _is_cudnn_gru(arrays) and shapes[2:] == [(2, arrays[2].size // 2)]:
        arrays = from_cudnn_gru(arrays)
        notes.append("CuDNNGRU to GRU")
    return arrays, notes


def from_cudnn_lstm(arrays: list[np.ndarray]) -> list[np.ndarray]:
    """CuDNNLSTM keeps every gate's kernel transposed, and two biases of which only the sum counts.

    `_convert_rnn_weights` of Keras 2.
    """
    kernel, recurrent, bias = arrays
    return [
        _by_gate(kernel, 4, _from_fortran),
        _by_gate(recurrent, 4, np.transpose),
        np.sum(np.split(bias, 2), axis=0),
    ]


def from_cudnn_gru(arrays: list[np.ndarray]) -> list[np.ndarray]:
    """CuDNNGRU is GRU(reset_after=True) with transposed kernels and its two biases in one row.

    `_convert_rnn_weights` of Keras 2.
    """
    kernel, recurrent, bias = arrays
    return [
        _by_gate(kernel, 3, _from_fortran),
        _by_gate(recurrent, 3, np.transpose),
        bias.reshape(2, -1),
    ]


def gates_of_keras_1(arrays: list[np.ndarray], before: str, after: str) -> list[np.ndarray]:
    """Keras 1 kept W, U and b of each gate apart; today they lie side by side.

    `preprocess_weights_for_loading` of Keras 2, original_keras_version 1.
    """
    order = [before.index(gate) for gate in after]
    return [np.concatenate([arrays[3 * gate + part] for gate in order], -1) for part in range(3)]


def conv1d_of_keras_1(kernel: np.ndarray, length: int, filters: int) -> np.ndarray:
    """Keras 1 kept (length, 1, in, out), before 1.2 (out, in, length, 1); today (length, in, out).

    `preprocess_weights_for_loading` of Keras 2, original_keras_version 1.
    """
    if kernel.ndim != 4:
        return kernel
    if kernel.shape[:2] != (length, 1) or kernel.shape[3] != filters:
        kernel = kernel.transpose(2, 3, 1, 0)
    return kernel[:, 0]


def conv_of_keras_1(kernel: np.ndarray, kind: str, is_channels_first: bool) -> np.ndarray:
    """Keras 1 kept (out, in, rows, columns) with dim_ordering "th"; transposed ones differ again.

    `preprocess_weights_for_loading` of Keras 2, original_keras_version 1.
    """
    orders = {
        ("Conv2D", True): (2, 3, 1, 0),
        ("ConvLSTM2D", True): (2, 3, 1, 0),
        ("ConvLSTM2DCell", True): (2, 3, 1, 0),
        ("Conv3D", True): (2, 3, 4, 1, 0),
        ("Conv2DTranspose", True): (2, 3, 0, 1),
        ("Conv2DTranspose", False): (0, 1, 3, 2),
    }
    order = orders.get((kind, is_channels_first))
    return kernel.transpose(order) if order and kernel.ndim == len(order) else kernel


def flip_kernel(kernel: np.ndarray) -> np.ndarray:
    """Theano convolves, all other backends correlate: the same kernel turned by 180 degrees.

    `convert_kernel` of Keras 2; the last two axes are no places.
    """
    places = kernel.ndim - 2
    return kernel[(slice(None, None, -1),) * places] if places > 0 else kernel


def _from_keras_1(
    layer: Any, kind: str, arrays: list[np.ndarray], layout: Layout, notes: list[str]
) -> list[np.ndarray]:
    if kind in GRU and len(arrays) == 9:
        notes.append("gates of Keras 1 put side by side")
        return gates_of_keras_1(arrays, KERAS_1_GRU, KERAS_1_GRU)
    if (kind in LSTM or kind in ("ConvLSTM2D", "ConvLSTM2DCell")) and len(arrays) == 12:
        notes.append("gates of Keras 1 put side by side")
        arrays = _gates_of_any(arrays, kind, layout)
    if kind == "Conv1D" and arrays and arrays[0].ndim == 4:
        notes.append("kernels of Keras 1 without their second axis")
        first = conv1d_of_keras_1(arrays[0], int(layer.kernel_size[0]), int(layer.filters))
        return [first, *arrays[1:]]
    count = 2 if kind.startswith("ConvLSTM2D") else 1
    is_first = layout.is_channels_first or _is_channels_first(layer)
    turned = [conv_of_keras_1(array, kind, is_first) for array in arrays[:count]]
    if any(before is not after for before, after in zip(arrays, turned, strict=False)):
        notes.append("kernels of Keras 1 with other axes")
    return [*turned, *arrays[count:]]


def _gates_of_any(arrays: list[np.ndarray], kind: str, layout: Layout) -> list[np.ndarray]:
    """Kernels that lie (out, in, ...) have their gates side by side along the first axis."""
    if not kind.startswith("ConvLSTM2D") or not layout.is_channels_first:
        return gates_of_keras_1(arrays, KERAS_1_LSTM, KERAS_2_LSTM)
    turned = [array.transpose(2, 3, 1, 0) if array.ndim == 4 else array for array in arrays]
    merged = gates_of_keras_1(turned, KERAS_1_LSTM, KERAS_2_LSTM)
    return [array.transpose(3, 2, 0, 1) if array.ndim == 4 else array for array in merged]


def _flipped(kind: str, arrays: list[np.ndarray]) -> list[np.ndarray]:
    count = 2 if kind.startswith("ConvLSTM2D") else 1
    return [*(flip_kernel(array) for array in arrays[:count]), *arrays[count:]]


def _kind(layer: Any) -> str:
    """The class of Keras that a layer is, or that its own class is made from."""
    names = [each.__name__ for each in type(layer).__mro__]
    known = CONVOLUTIONS | LSTM | GRU
    return next((name for name in names if name in known), names[0])


def _is_channels_first(layer: Any) -> bool:
    return getattr(layer, "data_format", "") == "channels_first"


def _is_cudnn_lstm(arrays: list[np.ndarray]) -> bool:
    return _is_recurrent(arrays) and arrays[2].shape == (8 * arrays[1].shape[0],)


def _is_cudnn_gru(arrays: list[np.ndarray]) -> bool:
    return _is_recurrent(arrays) and arrays[2].shape == (6 * arrays[1].shape[0],)


def _is_recurrent(arrays: list[np.ndarray]) -> bool:
    return len(arrays) == 3 and all(array.ndim == 2 for array in arrays[:2])


def _by_gate(kernel: np.ndarray, gates: int, turn: Any) -> np.ndarray:
    return np.hstack([turn(each) for each in np.hsplit(kernel, gates)])


def _from_fortran(kernel: np.ndarray) -> np.ndarray:
    """The same numbers in the same memory, read column by column."""
    return kernel.reshape(kernel.shape[::-1]).T
