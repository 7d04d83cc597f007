"""Find the numbers that an input of the model can't take."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from service.base.signature import TensorSpec

NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
# Above it a float64 can't tell one whole number from the next.
EXACT_WHOLE = 2**53


@dataclass(frozen=True, slots=True)
class Fault:
    """Wrong values of one kind: the flat index of the first, how it reads, what was expected.

    `indices` are those of all of them.
    """

    index: int
    wrong: str
    expected: str
    kind: str
    indices: np.ndarray


def plain_number(text: str) -> float | None:
    """A decimal number as data files write it; none for NaN, infinity, hex and the like."""
    text = text.strip(" \t")
    return float(text) if NUMBER.fullmatch(text) else None


def parse_cell(text: str) -> Any:
    """What a cell with JSON says; the text itself where that is none."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def find_faults(values: np.ndarray, spec: TensorSpec) -> list[Fault]:
    """The faults of every kind; a value has one of them."""
    faults: list[Fault] = []
    while fault := find_fault(values, spec):
        faults.append(fault)
        values = values.reshape(-1).copy()
        values[fault.indices] = 0  # which every input takes
    return faults


def find_fault(values: np.ndarray, spec: TensorSpec) -> Fault | None:
    """The first kind of numbers or booleans that can't become values of this input."""
    flat = values.reshape(-1)
    target = spec.numpy_dtype
    if flat.dtype.kind == "f":
        fault = _first(flat, ~np.isfinite(flat), "a finite number", "NaN or infinite values")
        if fault:
            return fault
    if target.kind == "f" and not np.can_cast(flat.dtype, target):
        # The rounded number counts: the shortest text of the largest float32 lies above it.
        with np.errstate(over="ignore"):
            is_over = np.isinf(flat.astype(target))
        fault = _first(flat, is_over, f"a number that fits {target}", "too large values")
        if fault:
            return fault
    if target.kind == "f" and spec.vocabulary is None:
        return None
    return _find_unwhole(flat, spec)


def _find_unwhole(flat: np.ndarray, spec: TensorSpec) -> Fault | None:
    lowest, highest = _whole_range(spec)
    wanted = f"a whole number from {lowest} to {highest}"
    if flat.dtype.kind == "f":
        flat = flat.astype(np.float64, copy=False)
        fault = _first(flat, flat != np.floor(flat), wanted, "values that aren't whole")
        if fault:
            return fault
        lowest, highest = max(lowest, -EXACT_WHOLE), min(highest, EXACT_WHOLE)
        wanted = f"a whole number from {lowest} to {highest}"
    elif flat.dtype.kind == "b":
        flat = flat.astype(np.uint8)
    return _first(flat, (flat < lowest) | (flat > highest), wanted, "values out of range")


def _whole_range(spec: TensorSpec) -> tuple[int, int]:
    if spec.vocabulary is not None:
        return 0, spec.vocabulary - 1
    if spec.numpy_dtype.kind == "b":
        return 0, 1
    bounds = np.iinfo(spec.numpy_dtype)
    return int(bounds.min), int(bounds.max)


def _first(flat: np.ndarray, is_bad: np.ndarray, expected: str, kind: str) -> Fault | None:
    if not is_bad.any():
        return None
    indices = np.flatnonzero(is_bad)
    index = int(indices[0])
    return Fault(index, f"is {_number_text(flat[index].item())}", expected, kind, indices)


def _number_text(value: float) -> str:
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "infinite or too large"
    return str(value) if isinstance(value, int) else f"{value:.9g}"
