"""Columns of parsed values, of JSON and of lists in CSV, as a block of rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from service.base.sequences import HOW_TO_DECLARE
from service.base.signature import shape_text
from service.data.columns import Columns
from service.data.dataset import Expected
from service.data.faults import Faults
from service.data.gathering import Place, RowBlock
from service.data.labels import UNKNOWN, Labels
from service.data.layout import Slot, settle
from service.data.nested import NOT_NUMBERS, Note, flatten, kind_text, numbers, path_text
from service.data.source import Source
from service.data.times import UNREADABLE, WANTED, read_times
from service.data.wording import quoted

Values = Mapping[int, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class ListedRows:
    """Some rows by column: `values` has a list of parsed values for each position."""

    values: Values
    count: int
    place: Place
    first: int


class ListedReader:
    """Turns parsed values into blocks; what is no number is noted as a fault."""

    def __init__(self, source: Source, columns: Columns, expected: Expected) -> None:
        self._source = source
        self._columns = columns
        self.labels = Labels(expected)
        self._expected = expected

    def read(self, rows: ListedRows, faults: Faults, labels: np.ndarray | None = None) -> RowBlock:
        """The rows as a block, with these labels if they were read already.

        Raises DataRefused for lists of the wrong shape.
        """
        features: list[np.ndarray] = []
        cells: dict[str, list[np.ndarray]] = {}
        for slot in self._columns.slots:
            if slot.is_ragged:
                cells[slot.spec.name] = self._sequences(slot, rows, faults)
            elif slot.is_cell:
                features.append(self._lists(slot, rows, faults))
            else:
                features += [self._plain(at, rows, faults)[:, None] for at in slot.columns]
        empty = np.empty((rows.count, 0))
        weight, time = self._columns.weight, self._columns.time
        return RowBlock(
            np.concatenate([empty.astype(features[0].dtype), *features], axis=1)
            if features
            else empty,
            self._read_labels(rows, faults) if labels is None else labels,
            rows.place,
            rows.first,
            cells,
            None if weight is None else self._plain(weight, rows, faults),
            None if time is None else self._times(time, rows, faults),
        )

    def _plain(self, column: int, rows: ListedRows, faults: Faults) -> np.ndarray:
        return numbers(list(rows.values[column]), _noter(faults, rows, column))

    def _times(self, column: int, rows: ListedRows, faults: Faults) -> np.ndarray:
        def note(bad: list[int]) -> None:
            lines = [rows.first + row for row in bad]
            value = rows.values[column][bad[0]]
            wrong = f"is {quoted(value)}" if isinstance(value, str) else f"is {kind_text(value)}"
            faults.add(UNREADABLE, lines, rows.place(bad[0], column), wrong, WANTED)

        return read_times(rows.values[column], note)

    def _lists(self, slot: Slot, rows: ListedRows, faults: Faults) -> np.ndarray:
        (column,) = slot.columns
        flat: list[Any] = []
        for row, value in enumerate(rows.values[column]):
            where = rows.place(row, column)
            items, shape = flatten(self._source, value, where)
            if shape != slot.shape:
                raise self._misshapen(where, shape, slot)
            flat += items
        note = _noter(faults, rows, column, slot.size, slot.fixed)
        return numbers(flat, note).reshape(rows.count, slot.size)

    def _sequences(self, slot: Slot, rows: ListedRows, faults: Faults) -> list[np.ndarray]:
        (column,) = slot.columns
        found = []
        for row, value in enumerate(rows.values[column]):
            where = rows.place(row, column)
            items, shape = flatten(self._source, value, where)
            if not items:
                raise self._source.refused(where, "has no steps", "at least one")
            if len(shape) != len(slot.shape) or shape[1:] != slot.shape[1:]:
                raise self._source.refused(
                    where, f"has the shape {shape_text(shape)}", shape_text(slot.shape)
                )
            one = replace(rows, first=rows.first + row, place=_moved(rows.place, row))
            note = _noter(faults, one, column, len(items), shape)
            found.append(numbers(items, note).reshape(shape))
        return found

    def _misshapen(self, where: str, shape: tuple[int, ...], slot: Slot) -> Exception:
        wanted = shape_text(slot.shape)
        if slot.spec.item_shape[:1] == (None,):
            wanted += f" as the first; {HOW_TO_DECLARE}"
        return self._source.refused(where, f"has the shape {shape_text(shape)}", wanted)

    def _read_labels(self, rows: ListedRows, faults: Faults) -> np.ndarray:
        columns = self._columns.labels
        if len(columns) > 1:
            return np.stack([self._plain(column, rows, faults) for column in columns], axis=1)
        values = rows.values[columns[0]]
        if self._expected.are_sets:
            return self._sets(values, rows, faults)
        item = tuple(axis or 1 for axis in self._expected.label.item_shape)
        if item:
            slot = Slot(self._expected.label, columns, item, is_cell=True)
            return self._lists(slot, rows, faults).reshape(rows.count, *item)
        return self._single(list(values), rows, faults)

    def _sets(self, values: Sequence[Any], rows: ListedRows, faults: Faults) -> np.ndarray:
        chosen = [self.labels.chosen(value) for value in values]
        bad = [row for row, bits in enumerate(chosen) if bits is None]
        if bad:
            wrong = f"is {kind_text(values[bad[0]])}"
            if isinstance(values[bad[0]], list):
                wrong += " with something else"
            where = rows.place(bad[0], self._columns.labels[0])
            lines = [rows.first + row for row in bad]
            faults.add(UNKNOWN, lines, where, wrong, self.labels.wanted)
        nothing = [0.0] * (self._expected.classes or 0)
        return np.array([nothing if bits is None else bits for bits in chosen])

    def _single(self, values: list[Any], rows: ListedRows, faults: Faults) -> np.ndarray:
        column = self._columns.labels[0]
        return read_labels(values, self.labels, _noter(faults, rows, column, kind=UNKNOWN))


def read_labels(values: list[Any], labels: Labels, note: Note) -> np.ndarray:
    """One label a row: names become indices, and the rest must be numbers."""
    names = labels.names
    found = [names.get(value, value) if isinstance(value, str) else value for value in values]
    numeric = numbers(found, note, labels.wanted)
    indices, is_bad = labels.named(numeric)
    is_number = np.array([type(value) in (int, float) for value in values], bool)
    is_bad &= is_number  # what was neither is noted already
    if is_bad.any():
        bad = np.flatnonzero(is_bad).tolist()
        note(bad, f"is {values[bad[0]]}", labels.wanted)
    return np.where(is_number, indices, numeric)


def settle_lists(source: Source, columns: Columns, values: Values, place: Place) -> Columns:
    """The columns with the shapes that the lists of the first row have. Raises DataRefused."""
    slots = []
    for slot in columns.slots:
        if slot.is_cell:
            where = place(0, slot.columns[0])
            _, shape = flatten(source, values[slot.columns[0]][0], where)
            slot = settle(source, slot, shape, where)
        slots.append(slot)
    return replace(columns, slots=tuple(slots))


def _noter(
    faults: Faults,
    rows: ListedRows,
    column: int,
    size: int = 1,
    shape: tuple[int, ...] = (),
    kind: str = NOT_NUMBERS,
) -> Note:
    """Notes values of a column by their flat indices, `size` of them a row."""

    def note(bad: list[int], wrong: str, wanted: str) -> None:
        row, index = divmod(bad[0], size)
        where = path_text(rows.place(row, column), index, shape)
        lines = sorted({rows.first + at // size for at in bad})
        faults.add(kind, lines, where, wrong, wanted)

    return note


def _moved(place: Place, start: int) -> Callable[[int, int], str]:
    return lambda row, column: place(start + row, column)
