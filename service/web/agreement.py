"""How far two versions agree over the same inputs: the same decisions, or the same numbers."""

import math
from dataclasses import dataclass

import numpy as np

from service.base.signature import Signature, Tensors

TOLERANCE = 1e-3  # of the larger of two numbers
NEGLIGIBLE = 1e-6  # a difference that is none, for numbers near 0


@dataclass(frozen=True, slots=True)
class Given:
    """What a version gave for a request: its outputs, and if it decides each row's class, or which
    labels it has, as bool (rows, labels).
    """

    outputs: Tensors
    classes: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many rows agree of so many; `largest` is the largest difference between two numbers.

    There is none where the outputs aren't numbers, or not finite ones.
    """

    rows: int
    agreeing: int
    largest: float | None


def fits(inputs: Tensors, signature: Signature) -> bool:
    """True if inputs that were checked against another signature fit this one as well."""
    if inputs.keys() != {spec.name for spec in signature.inputs}:
        return False
    for spec in signature.inputs:
        array = inputs[spec.name]
        sizes = array.shape[1:]
        if array.dtype != spec.numpy_dtype or len(sizes) != len(spec.item_shape):
            return False
        if any(axis not in (None, size) for axis, size in zip(spec.item_shape, sizes, strict=True)):
            return False
    return True


def compare(current: Given, shadow: Given) -> Agreement | None:
    """How far they agree; none if they can't be compared: other names, shapes, kinds of answer.

    A row agrees if both decide for the same class or labels; without decisions, if all its outputs
    are equal: floats within TOLERANCE, everything else exactly.
    """
    ours, theirs = current.outputs, shadow.outputs
    if ours.keys() != theirs.keys() or (current.classes is None) != (shadow.classes is None):
        return None
    pairs = [(ours[name], theirs[name]) for name in ours]
    if any(a.shape != b.shape or _kind(a) != _kind(b) for a, b in pairs):
        return None
    if current.classes is not None and shadow.classes is not None:
        if current.classes.shape != shadow.classes.shape:
            return None
        agrees = (current.classes == shadow.classes).reshape(len(current.classes), -1).all(axis=1)
    else:
        agrees = np.logical_and.reduce([_rows_that_agree(a, b) for a, b in pairs])
    return Agreement(len(agrees), int(np.count_nonzero(agrees)), _largest_difference(pairs))


def _kind(array: np.ndarray) -> str:
    """Texts come as objects or not; halves, singles and doubles are all floats."""
    return "O" if array.dtype.kind in "OSU" else array.dtype.kind


def _rows_that_agree(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if a.dtype.kind == "f":
        a, b = a.astype(np.float64), b.astype(np.float64)
        with np.errstate(invalid="ignore"):  # infinity less infinity is no number
            bound = TOLERANCE * np.maximum(np.abs(a), np.abs(b)) + NEGLIGIBLE
            is_same = (a == b) | (np.isnan(a) & np.isnan(b))
            agrees = is_same | (np.isfinite(bound) & (np.abs(a - b) <= bound))
    else:
        agrees = np.asarray(a == b)
    return np.asarray(agrees.reshape(len(agrees), math.prod(agrees.shape[1:])).all(axis=1))


def _largest_difference(pairs: list[tuple[np.ndarray, np.ndarray]]) -> float | None:
    largest: float | None = None
    for a, b in pairs:
        if a.dtype.kind != "f" or not a.size:
            continue
        with np.errstate(invalid="ignore"):
            difference = np.abs(a.astype(np.float64) - b.astype(np.float64))
        found = difference[np.isfinite(difference)]
        if found.size:
            largest = max(largest or 0.0, float(found.max()))
    return largest
