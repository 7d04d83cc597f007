"""How the columns of a table fill the inputs of a model: a number each, or a list an input."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from service.base.signature import TensorSpec, shape_text
from service.data.dataset import Expected
from service.data.source import Source

Shape = tuple[int, ...]
Lists = Callable[[int], bool]


@dataclass(frozen=True, slots=True)
class Slot:
    """One input and its columns; `shape` is that of one row, with None where rows differ.

    `is_cell`: one column holds the whole input of a row as a list. `is_ragged`: the lists are
    sequences of any length. A list of another input whose shape isn't known yet has None as well.
    """

    spec: TensorSpec
    columns: tuple[int, ...]
    shape: tuple[int | None, ...]
    is_cell: bool = False
    is_ragged: bool = False

    @property
    def size(self) -> int:
        """How many numbers a row has, or of sequences a step."""
        shape = self.shape[1:] if self.is_ragged else self.shape
        return math.prod(axis or 0 for axis in shape)

    @property
    def fixed(self) -> Shape:
        """The shape of a row, or of sequences that of a step."""
        return tuple(axis or 0 for axis in (self.shape[1:] if self.is_ragged else self.shape))


def arrange(
    source: Source, expected: Expected, columns: Sequence[int], holds_list: Lists, where: str = ""
) -> tuple[Slot, ...]:
    """Give each input its columns, in the order that they have. Raises DataRefused."""
    slots = _with_sequences(expected, columns, holds_list) or _lists_only(
        expected, columns, holds_list
    )
    if slots:
        return slots
    shapes = item_shapes(source, expected, len(columns), where)
    slots, start = (), 0
    for spec, shape in zip(expected.inputs, shapes, strict=True):
        end = start + math.prod(shape)
        slots = (*slots, Slot(spec, tuple(columns[start:end]), shape))
        start = end
    return slots


def list_slots(expected: Expected, columns: Sequence[int]) -> tuple[Slot, ...]:
    """A slot an input, each of one column of lists."""
    lengths = expected.lengths
    return tuple(
        Slot(spec, (column,), spec.item_shape, True, spec.name in lengths)
        for spec, column in zip(expected.inputs, columns, strict=True)
    )


def item_shapes(
    source: Source, expected: Expected, width: int, where: str = ""
) -> tuple[Shape, ...]:
    """The shape of one row of each input if a row has `width` features.

    A single free axis, of a single input, takes its length from the width.
    """
    items = [spec.item_shape for spec in expected.inputs]
    free = sum(axis is None for item in items for axis in item)
    known = sum(math.prod(axis for axis in item if axis is not None) for item in items)
    if free == 0 and width == known:
        return tuple(tuple(axis or 0 for axis in item) for item in items)
    if free == 1 and len(items) == 1 and known and width and width % known == 0:
        return (tuple(width // known if axis is None else axis for axis in items[0]),)
    if expected.lengths or free > 1 or (free and len(items) > 1):
        raise source.refused(
            where.rstrip(", "), "a table can't tell how long the model's free axes are",
            "a column an input with a list a row, such as \"[[0.1, 0.2], [0.3, 0.4]]\"",
        )  # fmt: skip
    wanted = f"a multiple of {known}" if free else str(known)
    raise source.refused(
        where.rstrip(", "), f"has {width} feature columns", f"{wanted}, as the model has inputs"
    )


def settle(source: Source, slot: Slot, shape: Shape, where: str) -> Slot:
    """The slot with what the first row says of its free axes. Raises DataRefused if it misfits."""
    wanted = slot.spec.item_shape
    is_fitting = len(shape) == len(wanted) and all(
        want in (None, axis) for axis, want in zip(shape, wanted, strict=True)
    )
    if not is_fitting:
        raise source.refused(where, f"has the shape {shape_text(shape)}", shape_text(wanted))
    return replace(slot, shape=(None, *shape[1:]) if slot.is_ragged else shape)


def _with_sequences(
    expected: Expected, columns: Sequence[int], holds_list: Lists
) -> tuple[Slot, ...]:
    """A column of lists an input with sequences, a column a number for the others."""
    lengths = expected.lengths
    slots: tuple[Slot, ...] = ()
    start = 0
    for spec in expected.inputs:
        is_ragged = spec.name in lengths
        if not is_ragged and None in spec.item_shape:
            return ()
        count = 1 if is_ragged else math.prod(axis or 0 for axis in spec.item_shape)
        taken = tuple(columns[start : start + count])
        if len(taken) < count or (is_ragged and not holds_list(taken[0])):
            return ()
        slots = (*slots, Slot(spec, taken, spec.item_shape, is_ragged, is_ragged))
        start += count
    return slots if lengths and start == len(columns) else ()


def _lists_only(expected: Expected, columns: Sequence[int], holds_list: Lists) -> tuple[Slot, ...]:
    if len(columns) != len(expected.inputs) or not all(map(holds_list, columns)):
        return ()
    return list_slots(expected, columns)
