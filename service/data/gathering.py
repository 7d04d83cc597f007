"""Gather the rows of a file, block by block, into the arrays of a data set."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from service.base.sequences import pad
from service.base.signature import Tensors
from service.data.columns import Columns
from service.data.dataset import DataLimits, Dataset, Expected
from service.data.faults import Faults
from service.data.finishing import check_size, finished
from service.data.layout import Slot
from service.data.source import Source
from service.data.values import Fault, find_faults
from service.data.weights import check_times, check_weights

# Where a field stands in the file, by the row in its block and the position of its column.
Place = Callable[[int, int], str]


@dataclass(frozen=True, slots=True)
class RowBlock:
    """Some rows as they came; `first` is the number of the first of them in the file.

    `features` has the inputs that aren't ragged, one after the other, (rows, width); `cells` has
    the sequences of the others by the input's name, an array of shape (steps, ...) a row. What a
    reader couldn't read is 0 here, and noted as a fault already.
    """

    features: np.ndarray
    labels: np.ndarray
    place: Place
    first: int
    cells: Mapping[str, list[np.ndarray]] = field(default_factory=dict)
    weights: np.ndarray | None = None
    times: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)


class Gathering:
    """The rows so far. Each block is checked before it is kept."""

    def __init__(
        self,
        source: Source,
        columns: Columns,
        expected: Expected,
        limits: DataLimits,
        unit: str = "row",
    ) -> None:
        self.faults = Faults(source, unit)
        self._source = source
        self._columns = columns
        self._expected = expected
        self._limits = limits
        self._inputs = [_Kept(slot) for slot in columns.slots]
        self._width = sum(0 if slot.is_ragged else slot.size for slot in columns.slots)
        self._labels, self._weights, self._times = bytearray(), bytearray(), bytearray()
        self._rows = self._loose = 0

    def add(self, block: RowBlock) -> None:
        """Take rows; what doesn't fit is noted. Raises DataRefused beyond the limits."""
        self._rows += len(block)
        self._loose += sum(row.size for rows in block.cells.values() for row in rows)
        check_size(self._source, self._rows, self._width, self._limits, self._loose)
        start = 0
        for kept in self._inputs:
            if kept.slot.is_ragged:
                self._add_cells(kept, block)
            else:
                end = start + kept.slot.size
                self._add_features(kept, block, np.ascontiguousarray(block.features[:, start:end]))
                start = end
        self._add_labels(block)
        self._add_extras(block)

    def finish(self) -> Dataset:
        """The data set of all rows. Raises DataRefused for the faults there are."""
        self.faults.check()
        inputs: Tensors = {kept.slot.spec.name: self._finish(kept) for kept in self._inputs}
        label = self._expected.label
        item = tuple(axis or 1 for axis in label.item_shape)
        labels = np.frombuffer(self._labels, label.numpy_dtype).reshape(self._rows, *item)
        times = None if self._columns.time is None else np.frombuffer(self._times)
        weights = None
        if self._columns.weight is not None:
            weights = np.frombuffer(self._weights, np.float32)
        names = tuple(self._columns.names[at] for at in self._columns.features)
        warnings = self._columns.warnings
        data = Dataset(inputs, labels, self._rows, {}, weights, times, warnings, names)
        return finished(self._source, data, self._expected)

    def _add_features(self, kept: "_Kept", block: RowBlock, values: np.ndarray) -> None:
        slot = kept.slot
        for fault in find_faults(values, slot.spec):
            row, index = divmod(fault.index, slot.size)
            where = block.place(row, slot.columns[0 if slot.is_cell else index])
            if slot.is_cell:
                where += path_of(index, slot.fixed)
            self._note(fault, fault.indices // slot.size, block, where)
            values = _without(values, fault)
        kept.values += values.astype(slot.spec.numpy_dtype, copy=False).tobytes()

    def _add_cells(self, kept: "_Kept", block: RowBlock) -> None:
        slot = kept.slot
        rows = block.cells[slot.spec.name]
        lengths = np.array([len(row) for row in rows])
        values = np.concatenate([row.reshape(-1) for row in rows])
        ends = np.cumsum(lengths) * slot.size
        for fault in find_faults(values, slot.spec):
            at = np.searchsorted(ends, fault.indices, side="right")
            row = int(at[0])
            index = fault.index - (int(ends[row - 1]) if row else 0)
            path = path_of(index, (int(lengths[row]), *slot.fixed))
            where = block.place(row, slot.columns[0]) + path
            self._note(fault, np.unique(at), block, where)
            values = _without(values, fault)
        kept.lengths += lengths.tolist()
        kept.values += values.astype(slot.spec.numpy_dtype, copy=False).tobytes()

    def _add_labels(self, block: RowBlock) -> None:
        spec, columns = self._expected.label, self._columns.labels
        labels = np.ascontiguousarray(block.labels)
        width = max(labels[0].size, 1)
        for fault in find_faults(labels, spec):
            row, index = divmod(fault.index, width)
            is_apart = len(columns) > 1
            where = block.place(row, columns[index if is_apart else 0])
            where += "" if is_apart else path_of(index, labels.shape[1:])
            self._note(fault, fault.indices // width, block, where, "labels: ")
            labels = _without(labels, fault)
        self._labels += labels.astype(spec.numpy_dtype, copy=False).tobytes()

    def _add_extras(self, block: RowBlock) -> None:
        if block.weights is not None and self._columns.weight is not None:
            for fault in check_weights(block.weights):
                where = block.place(fault.index, self._columns.weight)
                self._note(fault, fault.indices, block, where)
            with np.errstate(over="ignore"):  # noted as a fault
                self._weights += block.weights.astype(np.float32).tobytes()
        if block.times is not None and self._columns.time is not None:
            for fault in check_times(block.times):
                where = block.place(fault.index, self._columns.time)
                self._note(fault, fault.indices, block, where)
            self._times += block.times.astype(np.float64).tobytes()

    def _note(
        self, fault: Fault, rows: np.ndarray, block: RowBlock, where: str, kind: str = ""
    ) -> None:
        numbers = (np.unique(rows) + block.first).tolist()
        self.faults.add(kind + fault.kind, numbers, where, fault.wrong, fault.expected)

    def _finish(self, kept: "_Kept") -> np.ndarray:
        slot = kept.slot
        flat = np.frombuffer(kept.values, slot.spec.numpy_dtype)
        if not slot.is_ragged:
            return flat.reshape(self._rows, *slot.fixed)
        sequences, length = self._expected.sequences, self._expected.lengths[slot.spec.name]
        if sequences is None or not kept.lengths:
            return flat.reshape(0, 0, *slot.fixed)
        steps = length or max(kept.lengths)
        width = self._width + steps * slot.size
        check_size(self._source, self._rows, width, self._limits)
        ends = np.cumsum(kept.lengths)
        rows = np.split(flat.reshape(-1, *slot.fixed), ends[:-1])
        return pad(rows, sequences, steps, slot.spec.numpy_dtype)


class _Kept:
    """The values of one input so far, and how many steps each row has if it is ragged."""

    def __init__(self, slot: Slot) -> None:
        self.slot = slot
        self.values = bytearray()
        self.lengths: list[int] = []


def path_of(index: int, shape: tuple[int, ...]) -> str:
    """Where in a list a value stands, such as `[3][2]`, by its flat index."""
    at = np.unravel_index(index, shape) if shape else ()
    return "".join(f"[{axis}]" for axis in at)


def _without(values: np.ndarray, fault: Fault) -> np.ndarray:
    """The values with 0 for the faulty ones, so that others can be looked for."""
    mended = values.reshape(-1).copy()
    mended[fault.indices] = 0
    return mended.reshape(values.shape)
