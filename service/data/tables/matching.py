"""Which columns of a table the model takes: those that are named, else those that fit."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from service.base.signature import STRING, TensorSpec
from service.data.dataset import LABEL_COLUMNS, Expected
from service.data.layout import Slot, arrange
from service.data.parquet_types import ColumnKind
from service.data.source import Source
from service.data.tables.chunk import Chunk
from service.data.wording import listing, quoted
from service.recipe.data import Columns

ADVICE = "to be told which: by columns with features, or with ignore"


@dataclass(frozen=True, slots=True)
class Features:
    """How columns fill the inputs: positions in `names` by slot."""

    names: tuple[str, ...]
    slots: tuple[Slot, ...]
    expected: Expected

    @property
    def taken(self) -> frozenset[str]:
        """The columns that the model takes."""
        return frozenset(self.names[at] for slot in self.slots for at in slot.columns)

    @property
    def numbers(self) -> frozenset[str]:
        """Those of them with a number in each cell."""
        plain = (slot for slot in self.slots if not slot.is_cell)
        return frozenset(self.names[at] for slot in plain for at in slot.columns)

    def others(self) -> tuple[str, ...]:
        """The columns that the model doesn't take, in their order."""
        return tuple(name for name in self.names if name not in self.taken)


def match_features(chunk: Chunk, asked: Columns, expected: Expected) -> Features:
    """By the names and the first rows of a file. Raises DataRefused."""
    source, names = chunk.source, chunk.names
    text = next((spec for spec in expected.signature.inputs if spec.dtype == STRING), None)
    if text is not None:
        wrong = f"the model's input {quoted(text.name)} takes texts"
        raise source.refused("", wrong, "a model whose inputs are numbers")
    kinds = {name: chunk.kind(name) for name in names}
    chosen = _named(source, names, asked) or _fitting(names, kinds, asked, expected)
    _check(source, chosen, kinds, expected)
    positions = [names.index(name) for name in chosen]
    depths = [kinds[name].depth for name in chosen]
    slots = _one_each(positions, depths, expected)
    if not slots:
        slots = arrange(source, expected, positions, lambda at: kinds[names[at]].depth > 0)
    flat = tuple(_flattened(slot, kinds[names[slot.columns[0]]]) for slot in slots)
    return Features(names, flat, expected)


def _named(source: Source, names: Sequence[str], asked: Columns) -> tuple[str, ...]:
    """The features that are named. What is named to be something else has to be there, too."""
    others = (*asked.labels, *asked.ignore, *(n for n in (asked.weight, asked.time) if n))
    for name in (*asked.features, *others):
        if name not in names:
            why = f"the column {quoted(name)} is missing among {listing(tuple(names))}"
            raise source.refused("", why, "the columns that were named")
    return asked.features


def _fitting(
    names: Sequence[str], kinds: dict[str, ColumnKind], asked: Columns, expected: Expected
) -> tuple[str, ...]:
    """Columns that are called as the inputs, else the lists if there is one an input, else all
    numbers.
    """
    none = {*asked.labels, *asked.ignore, asked.weight, asked.time}
    none |= set() if asked.labels else set(LABEL_COLUMNS)
    wanted = tuple(spec.name for spec in expected.signature.inputs)
    left = [name for name in names if name not in none or name in wanted]
    numeric = [name for name in left if kinds[name].leaf == "number"]
    lists = [name for name in numeric if kinds[name].depth]
    if set(wanted) <= set(numeric) and all(
        kinds[spec.name].depth or _is_number(spec) for spec in expected.inputs
    ):
        return wanted
    if len(lists) == len(wanted):
        return tuple(lists)
    return tuple(numeric)


def _check(
    source: Source, chosen: Sequence[str], kinds: dict[str, ColumnKind], expected: Expected
) -> None:
    """Refuse what `arrange` would only call too many or too few, with a way out."""
    for name in chosen:
        if kinds[name].leaf != "number":
            raise source.refused(f"column {quoted(name)}", "holds no numbers", "numbers or lists")
    items = [spec.item_shape for spec in expected.inputs]
    has_lists = any(kinds[name].depth for name in chosen)
    wanted = sum(math.prod(axis or 0 for axis in item) for item in items)
    if has_lists or any(None in item for item in items) or len(chosen) == wanted:
        return
    there = f": {listing(tuple(chosen))}" if chosen else ""
    wrong = f"has {len(chosen)} columns of numbers, but the model takes {wanted}{there}"
    raise source.refused("", wrong, ADVICE)


def _one_each(
    positions: Sequence[int], depths: Sequence[int], expected: Expected
) -> tuple[Slot, ...]:
    """A column an input, if there are as many: a list, or the one number that it takes."""
    specs = expected.inputs
    if len(positions) != len(specs) or not any(depths):
        return ()
    if not all(depth or _is_number(spec) for depth, spec in zip(depths, specs, strict=True)):
        return ()
    return tuple(
        Slot(spec, (at,), spec.item_shape, depth > 0, depth > 0 and spec.name in expected.lengths)
        for spec, at, depth in zip(specs, positions, depths, strict=True)
    )


def _is_number(spec: TensorSpec) -> bool:
    return math.prod(axis or 0 for axis in spec.item_shape) == 1


def _flattened(slot: Slot, kind: ColumnKind) -> Slot:
    """A plain list for an input of several axes has its values in the order of NumPy."""
    shape = slot.shape
    if slot.is_cell and not slot.is_ragged and kind.depth == 1 < len(shape) and None not in shape:
        return replace(slot, shape=(math.prod(axis or 0 for axis in shape),))
    return slot
