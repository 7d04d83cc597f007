"""Lists in a column of a Parquet file as flat numbers, without a Python object for each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from service.base.sequences import HOW_TO_DECLARE
from service.base.signature import shape_text
from service.data.layout import Slot
from service.data.source import Source


@dataclass(frozen=True, slots=True)
class FlatLists:
    """All values one after the other, and how long the outermost list of each row is."""

    values: np.ndarray
    lengths: np.ndarray


def read_lists(
    source: Source, column: Any, slot: Slot, place: Callable[[int, int], str]
) -> FlatLists:
    """The lists of a column without gaps. Raises DataRefused where their shape isn't the slot's."""
    levels: list[np.ndarray] = []
    for depth, wanted in enumerate(slot.shape):
        lengths = _lengths(column)
        levels.append(lengths)
        is_free = depth == 0 and slot.is_ragged
        is_bad = lengths < 1 if is_free else lengths != wanted
        if is_bad.any():
            raise _misshapen(source, levels, int(is_bad.argmax()), slot, place)
        column = column.flatten()
        if column.null_count:
            at = int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
            where = place(_row_of(levels, at), slot.columns[0])
            raise source.refused(where, "has an empty value in its list", "a number")
    return FlatLists(column.to_numpy(zero_copy_only=False), levels[0])


def _lengths(column: Any) -> np.ndarray:
    import pyarrow

    if pyarrow.types.is_fixed_size_list(column.type):
        return np.full(len(column), column.type.list_size)
    offsets: np.ndarray = column.offsets.to_numpy()
    return np.diff(offsets)


def _misshapen(
    source: Source, levels: list[np.ndarray], at: int, slot: Slot, place: Callable[[int, int], str]
) -> Exception:
    """The error for the list with this number on the last of the levels."""
    length = int(levels[-1][at])
    where = place(_row_of(levels[:-1], at), slot.columns[0])
    wanted = f"the shape {shape_text(slot.shape)}"
    if len(levels) == 1 and slot.spec.item_shape[:1] == (None,) and not slot.is_ragged:
        wanted += f" as the first; {HOW_TO_DECLARE}"
    return source.refused(where, f"has a list of {length}", wanted)


def _row_of(levels: list[np.ndarray], at: int) -> int:
    """The row in which a list stands, by the levels above it."""
    for lengths in reversed(levels):
        at = int(np.searchsorted(np.cumsum(lengths), at, side="right"))
    return at
