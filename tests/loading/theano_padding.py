"""Theano's padding in NumPy, as its border mode "half" and Keras' cutting off have it.

Channels come last. Nothing is shared with the layers that are tested: both ends are padded, and
what came out too much is cut off at the end.
"""

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

Numbers = Sequence[int]


def convolved(x: np.ndarray, kernel: np.ndarray, steps: Numbers, rates: Numbers) -> np.ndarray:
    """The kernel lies over the image unturned, as in Keras 3."""
    rank = len(steps)
    sides = [(side - 1) * rate + 1 for side, rate in zip(kernel.shape, rates, strict=False)]
    dilated = np.zeros((*sides, *kernel.shape[rank:]), kernel.dtype)
    dilated[tuple(slice(None, None, rate) for rate in rates)] = kernel
    windows = _windows(x, sides, [side // 2 for side in sides], steps, 0.0)
    inner = [rank + 1, *range(rank + 2, 2 * rank + 2)]
    return np.tensordot(windows, dilated, (inner, [rank, *range(rank)]))


def pooled(x: np.ndarray, sides: Numbers, steps: Numbers, kind: str) -> np.ndarray:
    """`kind` is max, average, or counted: an average that counts the padding."""
    pads = [side - 2 if side > 2 and side % 2 else side - 1 for side in sides]
    windows = _windows(x, sides, pads, steps, 0.0 if kind == "counted" else np.nan)
    inner = tuple(range(-len(sides), 0))
    return np.asarray((np.nanmax if kind == "max" else np.nanmean)(windows, axis=inner))


def transposed(x: np.ndarray, kernel: np.ndarray, steps: Numbers) -> np.ndarray:
    """Each number puts its kernel down; half a kernel is cut off before, the rest behind."""
    places, sides = x.shape[1:-1], kernel.shape[: len(steps)]
    sizes = [size * step for size, step in zip(places, steps, strict=True)]
    whole = [size + side for size, side in zip(sizes, sides, strict=True)]
    out = np.zeros((len(x), *whole, kernel.shape[-2]))
    for place in np.ndindex(*places):
        where = tuple(
            slice(at * step, at * step + side)
            for at, step, side in zip(place, steps, sides, strict=True)
        )
        out[(slice(None), *where)] += np.tensordot(x[(slice(None), *place)], kernel, (-1, -1))
    cut = [slice(side // 2, side // 2 + size) for size, side in zip(sizes, sides, strict=True)]
    return out[(slice(None), *cut)]


def _windows(
    x: np.ndarray, sides: Numbers, pads: Numbers, steps: Numbers, filling: float
) -> np.ndarray:
    around = [(0, 0), *((pad, pad) for pad in pads), (0, 0)]
    padded = np.pad(x, around, constant_values=filling)
    windows = sliding_window_view(padded, tuple(sides), axis=tuple(range(1, len(sides) + 1)))
    stepped = windows[(slice(None), *(slice(None, None, step) for step in steps))]
    counts = [-(-size // step) for size, step in zip(x.shape[1:], steps, strict=False)]
    return stepped[(slice(None), *(slice(count) for count in counts))]
