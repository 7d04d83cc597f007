"""Batches of a Parquet file as blocks of rows; gaps and unknown labels are noted as faults."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from service.data.columns import Columns
from service.data.dataset import Expected
from service.data.faults import Faults
from service.data.gathering import RowBlock
from service.data.labels import UNKNOWN, Labels
from service.data.layout import Slot
from service.data.listed import settle_lists
from service.data.nested import EMPTY, kind_text
from service.data.parquet_lists import read_lists
from service.data.parquet_types import kind_of
from service.data.source import Source
from service.data.times import UNREADABLE, WANTED, read_times

MICROSECONDS = 1e6


@dataclass(frozen=True, slots=True)
class _Batch:
    """Some rows in Arrow's form, `start` of them before it in the file."""

    columns: Columns
    arrow: Any
    start: int
    faults: Faults

    def place(self, row: int, column: int) -> str:
        return f"row {self.start + row + 1}, {self.columns.text(column)}"

    def note(self, kind: str, bad: list[int], column: int, wrong: str, wanted: str) -> None:
        rows = [self.start + row + 1 for row in bad]
        self.faults.add(kind, rows, self.place(bad[0], column), wrong, wanted)

    def column(self, position: int) -> Any:
        """A column without gaps: those there are are noted, and filled."""
        found = self.arrow.column(self.columns.names[position])
        if not found.null_count:
            return found
        is_gap = found.is_null().to_numpy(zero_copy_only=False)
        self.note(EMPTY, np.flatnonzero(is_gap).tolist(), position, "is empty", "a value")
        if is_gap.all():
            self.faults.check()  # which raises
        return _filled(found, is_gap)

    def numbers(self, position: int) -> np.ndarray:
        column: np.ndarray = self.column(position).to_numpy(zero_copy_only=False)
        return column


class BatchReader:
    """Turns batches into blocks of rows."""

    def __init__(self, source: Source, columns: Columns, expected: Expected) -> None:
        self._source = source
        self._columns = columns
        self._expected = expected
        self._labels = Labels(expected)

    def read(self, arrow: Any, start: int, faults: Faults) -> RowBlock:
        """The rows of a batch, `start` rows before it. Raises DataRefused for misshapen lists."""
        batch = _Batch(self._columns, arrow, start, faults)
        parts: list[np.ndarray] = []
        cells: dict[str, list[np.ndarray]] = {}
        for slot in self._columns.slots:
            if slot.is_ragged:
                cells[slot.spec.name] = self._sequences(slot, batch)
            elif slot.is_cell:
                parts.append(self._lists(slot, batch))
            else:
                parts += [batch.numbers(position)[:, None] for position in slot.columns]
        weight, time = self._columns.weight, self._columns.time
        return RowBlock(
            _side_by_side(parts, arrow.num_rows),
            self._read_labels(batch),
            batch.place,
            start + 1,
            cells,
            None if weight is None else batch.numbers(weight),
            None if time is None else _times(batch, time),
        )

    def _lists(self, slot: Slot, batch: _Batch) -> np.ndarray:
        (position,) = slot.columns
        found = read_lists(self._source, batch.column(position), slot, batch.place)
        return found.values.reshape(batch.arrow.num_rows, slot.size)

    def _sequences(self, slot: Slot, batch: _Batch) -> list[np.ndarray]:
        (position,) = slot.columns
        found = read_lists(self._source, batch.column(position), slot, batch.place)
        steps = found.values.reshape(-1, *slot.fixed)
        return np.split(steps, np.cumsum(found.lengths)[:-1])

    def _read_labels(self, batch: _Batch) -> np.ndarray:
        columns = self._columns.labels
        if len(columns) > 1:
            return np.stack([batch.numbers(position) for position in columns], axis=1)
        (position,) = columns
        if self._expected.are_sets:
            return self._sets(position, batch)
        item = tuple(axis or 1 for axis in self._expected.label.item_shape)
        if item:
            slot = Slot(self._expected.label, columns, item, is_cell=True)
            return self._lists(slot, batch).reshape(-1, *item)
        column = batch.column(position)
        if kind_of(column.type).leaf == "text":
            return self._names(column, position, batch)
        return self._indices(column.to_numpy(zero_copy_only=False), position, batch)

    def _indices(self, values: np.ndarray, position: int, batch: _Batch) -> np.ndarray:
        found, is_bad = self._labels.named(values)
        if is_bad.any():
            bad = np.flatnonzero(is_bad).tolist()
            batch.note(UNKNOWN, bad, position, f"is {values[bad[0]]}", self._labels.wanted)
        return found

    def _names(self, column: Any, position: int, batch: _Batch) -> np.ndarray:
        coded = column.cast("string").dictionary_encode()
        words, indices = coded.dictionary.to_pylist(), coded.indices.to_numpy()
        values = [self._labels.number(word) for word in words]
        unknown = [at for at, value in enumerate(values) if value is None]
        if unknown:
            bad = np.flatnonzero(np.isin(indices, unknown)).tolist()
            wrong = self._labels.wrong(words[indices[bad[0]]])
            batch.note(UNKNOWN, bad, position, wrong, self._labels.wanted)
        known = np.array([0.0 if value is None else value for value in values])
        numbers: np.ndarray = known[indices]
        return numbers

    def _sets(self, position: int, batch: _Batch) -> np.ndarray:
        values = batch.column(position).to_pylist()
        chosen = [self._labels.chosen(value) for value in values]
        bad = [row for row, bits in enumerate(chosen) if bits is None]
        if bad:
            wrong = f"is {kind_text(values[bad[0]])} with something else"
            batch.note(UNKNOWN, bad, position, wrong, self._labels.wanted)
        nothing = [0.0] * (self._expected.classes or 0)
        return np.array([nothing if bits is None else bits for bits in chosen])


def settle_batch(source: Source, columns: Columns, batch: Any) -> Columns:
    """The columns with the shapes that the lists of the first row have. Raises DataRefused."""
    first = {
        position: batch.column(columns.names[position]).slice(0, 1).to_pylist()
        for slot in columns.slots
        if slot.is_cell
        for position in slot.columns
    }
    return settle_lists(source, columns, first, lambda _row, at: f"row 1, {columns.text(at)}")


def _times(batch: _Batch, position: int) -> np.ndarray:
    import pyarrow

    column = batch.column(position)
    leaf = kind_of(column.type).leaf
    if leaf == "time":
        zone = getattr(column.type, "tz", None)
        exact = column.cast(pyarrow.timestamp("us", zone), safe=False)
        seconds: np.ndarray = exact.cast("int64").to_numpy() / MICROSECONDS
        return seconds
    if leaf == "number":
        numbers: np.ndarray = column.to_numpy(zero_copy_only=False)
        return numbers
    texts = column.cast("string").to_pylist()

    def note(bad: list[int]) -> None:
        batch.note(UNREADABLE, bad, position, f"is {kind_text(texts[bad[0]])}", WANTED)

    return read_times(texts, note)


def _side_by_side(parts: list[np.ndarray], rows: int) -> np.ndarray:
    if not parts:
        return np.empty((rows, 0))
    kind = np.result_type(*parts)
    stacked = np.empty((rows, sum(part.shape[1] for part in parts)), kind)
    start = 0
    for part in parts:
        stacked[:, start : start + part.shape[1]] = part
        start += part.shape[1]
    return stacked


def _filled(column: Any, is_gap: np.ndarray) -> Any:
    """The first value in the gaps, which are faults already."""
    import pyarrow

    places = np.where(is_gap, np.argmin(is_gap), np.arange(len(is_gap)))
    return column.take(pyarrow.array(places))
