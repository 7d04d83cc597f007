"""Numbers out of JSON straight into NumPy: simdjson reads them into a buffer, the shape is proved.

A buffer forgets the nesting. `dense_tensor` and `flat_tensor` therefore promise nothing until
`is_regular` has held the whole document against the shapes they found. Whatever they don't
understand, right or wrong, they leave to the exact road of `tensors.py`, by answering none or by
raising one of NOT_PLAIN.
"""

import math
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
import simdjson

from service.base.signature import TensorSpec
from service.web.tensors import FEW_NUMBERS

Shape = tuple[int, ...]
Part = tuple[simdjson.Array, Shape]

NOT_PLAIN = (ValueError, TypeError, KeyError, IndexError, AttributeError, RuntimeError)
MAX_KEPT_BYTES = 8 * 1024 * 1024  # a parser reserves fourteen times the largest body it has seen
BYTES_AN_ARRAY = 256  # a document with more arrays than one in so many bytes is proved by its bytes
FLOATS = frozenset({"float16", "float32", "float64"})
INTEGERS = {
    name: np.dtype(name)
    for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
}
QUICK_DTYPES = frozenset((*FLOATS, *INTEGERS))
# No number is larger than the root of the sum of squares: below this none overflows the dtype.
MAX_SQUARES = {name: float(np.finfo(name).max) ** 2 for name in ("float16", "float32")}
ALL_BUT_SKELETON = bytes(sorted(set(range(256)) - set(b"[],")))


class Parsers:
    """A few parsers, lent one at a time; their buffers grow to the bodies they see."""

    def __init__(self, most: int = 4) -> None:
        self._idle: deque[simdjson.Parser] = deque(maxlen=most)

    def take(self) -> simdjson.Parser:
        """A parser that nobody else uses."""
        try:
            return self._idle.pop()
        except IndexError:
            return simdjson.Parser()

    def give(self, parser: simdjson.Parser, body_bytes: int) -> None:
        """Give it back, with the size of what it parsed; nothing of the document is used any more.

        One that has grown beyond MAX_KEPT_BYTES is dropped together with its memory.
        """
        if body_bytes <= MAX_KEPT_BYTES:
            self._idle.append(parser)


def dense_tensor(array: simdjson.Array, spec: TensorSpec) -> np.ndarray | None:
    """The numbers of nested arrays, in the shape that their first elements have.

    None where that shape isn't the spec's or a number isn't the dtype's.
    """
    shape: list[int] = []
    item = array
    for wanted in spec.shape:
        if not isinstance(item, simdjson.Array):
            return None
        length = len(item)
        if length == 0 or (wanted is not None and wanted != length):
            return None
        shape.append(length)
        item = item[0]
    tensor = _numbers(array, spec.dtype)
    if tensor is None or tensor.size != math.prod(shape):
        return None
    return tensor.reshape(shape)


def flat_tensor(
    array: simdjson.Array, spec: TensorSpec, shape: Shape
) -> tuple[np.ndarray, Shape] | None:
    """The numbers of an array whose shape is told beside it, row-major in one list or nested.

    With them comes the shape that the array itself has, for `is_regular`. None where the count of
    numbers isn't that of the shape, or a number isn't the dtype's; negative axes never fit.
    """
    size = math.prod(shape)
    tensor = _numbers(array, spec.dtype)
    if tensor is None or tensor.size != size or size == 0 or min(shape) < 0:
        return None
    is_flat = len(array) == size and not isinstance(array[0], simdjson.Array)
    return tensor.reshape(shape), (size,) if is_flat else shape


def is_regular(body: bytes, parts: Sequence[Part], others: int = 0) -> bool:
    """True if each array is nested just as its shape says, so that its buffer may be trusted.

    The document must have no other array than those, save `others` that the caller has seen.
    Either each array's length at each depth is looked at, and that no bracket opens beyond them;
    or, where arrays are many and short, the brackets and commas of the whole document are compared
    with those that the shape has. May raise one of NOT_PLAIN.
    """
    arrays = others
    for _, shape in parts:
        arrays += _count_arrays(shape)
    if arrays * BYTES_AN_ARRAY > len(body) and len(parts) == 1 and others == 0:
        return _has_skeleton(body, parts[0][1], arrays)
    for array, shape in parts:
        if not _has_lengths(array, shape):
            return False
    return _opens_just(body, arrays)


def _numbers(array: simdjson.Array, dtype: str) -> np.ndarray | None:
    """All numbers below an array, in order and in the dtype, all of them finite; or none."""
    if dtype in FLOATS:
        return _narrow(np.frombuffer(array.as_buffer(of_type="d"), np.float64), dtype)
    as_integer = INTEGERS.get(dtype)
    if as_integer is None:
        return None
    if dtype == "uint64":
        return np.frombuffer(array.as_buffer(of_type="u"), np.uint64)
    wide = np.frombuffer(array.as_buffer(of_type="i"), np.int64)
    if dtype != "int64" and wide.size:
        limits = np.iinfo(as_integer)
        if wide.min() < limits.min or wide.max() > limits.max:
            return None
    return wide.astype(as_integer, copy=False)


def _narrow(flat: np.ndarray, dtype: str) -> np.ndarray | None:
    """Doubles, all of them finite, in a smaller dtype; none if one of them is beyond it."""
    if dtype == "float64":
        return flat
    if flat.size <= FEW_NUMBERS and np.vdot(flat, flat) <= MAX_SQUARES[dtype]:
        return flat.astype(dtype)
    with np.errstate(over="ignore"):
        tensor = flat.astype(dtype)
    return tensor if np.isfinite(tensor).all() else None


def _count_arrays(shape: Shape) -> int:
    """How many arrays nest into this shape, the outermost included."""
    count = arrays = 1
    for axis in shape[:-1]:
        count *= axis
        arrays += count
    return arrays


def _has_lengths(array: Any, shape: Shape) -> bool:
    if len(array) != shape[0]:
        return False
    if len(shape) == 1:
        return True
    if len(shape) == 2:
        return set(map(len, array)) == {shape[1]}
    return all(_has_lengths(item, shape[1:]) for item in array)


def _opens_just(body: bytes, brackets: int) -> bool:
    """True if exactly so many brackets open in the document, those within texts included."""
    found = -1
    for _ in range(brackets):
        found = body.find(b"[", found + 1)
        if found < 0:
            return False
    return body.find(b"[", found + 1) < 0


def _has_skeleton(body: bytes, shape: Shape, arrays: int) -> bool:
    """True if the document's brackets and commas hold those of the shape, and no more brackets.

    Sound because the array has been walked to the depth of the shape, and holds as many numbers:
    it then is the outermost of the brackets found.
    """
    skeleton = body.translate(None, ALL_BUT_SKELETON)
    if skeleton.count(b"[") != arrays:
        return False
    wanted = b"[%b]" % (b"," * (shape[-1] - 1))
    for axis in reversed(shape[:-1]):
        wanted = b"[%b]" % ((wanted + b",") * (axis - 1) + wanted)
    return wanted == skeleton or wanted in skeleton
