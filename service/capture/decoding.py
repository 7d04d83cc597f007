"""Record batches become arrays again: ids and places of rows, and their inputs."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from service.base.signature import STRING, Tensors
from service.capture.schema import ID_BYTES, Form, InputForm

ID = np.dtype(f"S{ID_BYTES}")  # to be compared, never taken out: zeros at its end get lost


@dataclass(frozen=True, slots=True, eq=False)
class CapturedIds:
    """Which rows there are; `at` is in milliseconds, an `own` of zeros is none."""

    prediction: np.ndarray
    own: np.ndarray
    row: np.ndarray
    at: np.ndarray

    def __len__(self) -> int:
        return len(self.row)

    def take(self, chosen: np.ndarray) -> "CapturedIds":
        """Some of them, by a mask or by places."""
        return CapturedIds(
            self.prediction[chosen], self.own[chosen], self.row[chosen], self.at[chosen]
        )

    def among(self, ids: np.ndarray) -> np.ndarray:
        """Which of them have one of these ids, given or the client's own."""
        found: np.ndarray = is_among(self.prediction, ids) | is_among(self.own, ids)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class CapturedRows:
    """Rows with their inputs: arrays, or objects (an array a row) where there are free axes.

    `classes` is -1 and `scores` NaN where nothing was decided.
    """

    form: Form
    ids: CapturedIds
    classes: np.ndarray
    scores: np.ndarray
    inputs: Tensors

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, chosen: np.ndarray) -> "CapturedRows":
        """Some of them, by a mask or by places."""
        return CapturedRows(
            self.form,
            self.ids.take(chosen),
            self.classes[chosen],
            self.scores[chosen],
            {name: values[chosen] for name, values in self.inputs.items()},
        )


def decode_ids(batch: Any) -> CapturedIds:
    """The ids of a batch that has at least their columns."""
    return CapturedIds(
        _ids(batch.column("prediction")),
        _ids(batch.column("own")),
        batch.column("row").to_numpy(),
        batch.column("time").cast("int64").to_numpy(),
    )


def decode(form: Form, batch: Any) -> CapturedRows:
    """All of a batch."""
    classes = batch.column("predicted_class").fill_null(-1).to_numpy()
    scores = batch.column("predicted_score").fill_null(float("nan")).to_numpy()
    inputs = {one.name: _input(one, batch.column(one.column)) for one in form.inputs}
    return CapturedRows(form, decode_ids(batch), classes, scores, inputs)


def is_among(ids: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Which of the ids are wanted; `wanted` is in order."""
    if not len(wanted):
        return np.zeros(len(ids), bool)
    places = np.searchsorted(wanted, ids)
    found: np.ndarray = wanted[np.minimum(places, len(wanted) - 1)] == ids
    return found


def _ids(column: Any) -> np.ndarray:
    if column.null_count:
        column = column.fill_null(bytes(ID_BYTES))
    content = column.buffers()[1]
    everything = np.frombuffer(content, ID, count=column.offset + len(column))
    return everything[column.offset :]


def _input(form: InputForm, column: Any) -> np.ndarray:
    if form.free_axes:
        return _ragged(form, column)
    values = column.flatten() if form.shape else column
    return _values(form, values).reshape(len(column), *form.shape)


def _ragged(form: InputForm, column: Any) -> np.ndarray:
    """An array of arrays, one a row."""
    levels, inner = [], column
    for _ in range(form.free_axes):
        offsets = inner.offsets.to_numpy()
        levels.append(offsets - offsets[0])  # flattening drops what is before a slice
        inner = inner.flatten()
    fixed = form.shape[form.free_axes :]
    values = _values(form, inner.flatten() if fixed else inner)
    rows = np.empty(len(column), object)
    for row in range(len(column)):
        first, last, shape = row, row + 1, []
        for offsets in levels:
            parents = last - first
            first, last = int(offsets[first]), int(offsets[last])
            shape.append((last - first) // max(1, parents))
        numbers = values[first * form.width : last * form.width]
        rows[row] = numbers.reshape(*shape, *fixed)
    return rows


def _values(form: InputForm, values: Any) -> np.ndarray:
    if form.dtype == STRING:
        texts = np.empty(len(values), object)
        texts[:] = values.to_pylist()
        return texts
    numbers: np.ndarray = values.to_numpy(zero_copy_only=False)
    return numbers
