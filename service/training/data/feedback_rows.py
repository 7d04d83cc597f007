"""Rows to learn from out of live traffic: captured inputs, joined with labels that came later."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from service.base.signature import STRING, Tensors, TensorSpec
from service.capture.choice import Choice
from service.capture.decoding import CapturedRows
from service.capture.feedback import Counted, LiveRows, check_enough, choose
from service.capture.label_table import keys_of, parts_of
from service.capture.layout import CapturedFile
from service.capture.reader import hours, read_ids, read_rows, reading
from service.capture.unfit import note_unfit, refuse_unfit
from service.capture.wanted import Wanted

__all__ = ["Choice", "Counted", "FeedbackRows", "LiveRows", "Wanted", "gather_feedback"]

CHECK_S = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class FeedbackRows:
    """Joined rows in the order of their predictions' times.

    `inputs` have the model's dtypes. They are arrays on the disk, in the folder that was given, or
    objects: an array a row for an input with a free axis, or texts. `labels` are int64 classes of
    shape (rows,); or float32 numbers of shape (rows, width), (rows,) where there is one each; or
    zeros and ones of that shape for sets of labels. `at` is in milliseconds since 1970.
    """

    inputs: Tensors
    labels: np.ndarray
    at: np.ndarray
    counted: Counted


def gather_feedback(
    live: LiveRows,
    wanted: Wanted,
    choice: Choice,
    folder: Path,
    check: Callable[[], None] = lambda: None,
) -> FeedbackRows:
    """The chosen rows with their inputs, whose arrays are made in `folder`, which is there.

    `check` is called about once a second, and may raise. Raises DataRefused where there is too
    little to learn from; `capture.feedback.count` tells so as well, without the inputs.
    """
    keys, truth, counted = choose(live, wanted, choice)
    while True:
        inputs = {
            spec.name: _empty(spec, len(keys), folder / f"captured-{number}.npy")
            for number, spec in enumerate(wanted.signature.inputs)
        }
        filling = _Filling(live, wanted, keys, inputs)
        is_there = filling.fill(check)
        refuse_unfit(live.name, filling.unfit)
        if is_there.all():
            break
        keys, truth = keys[is_there], truth[is_there]  # forgotten, or too old, since just now
        counted = check_enough(live, wanted, truth, counted)
    labels = truth.astype(np.int64 if wanted.form == "classes" else np.float32)
    if wanted.form == "values" and wanted.width == 1:
        labels = labels.reshape(-1)
    return FeedbackRows(inputs, labels, parts_of(keys)[1], counted)


class _Filling:
    """The arrays, while they are filled."""

    def __init__(self, live: LiveRows, wanted: Wanted, keys: np.ndarray, inputs: Tensors) -> None:
        self._live = live
        self._wanted = wanted
        self._keys = keys
        self._inputs = inputs
        self._is_there = np.zeros(len(keys), bool)
        self._forgotten = partial(live.labels.forgotten, live.model)
        self._check_at = 0.0
        self.unfit: Counter[str] = Counter()

    def fill(self, check: Callable[[], None]) -> np.ndarray:
        """Read every file that has one of the rows; which rows were found."""
        at = parts_of(self._keys)[1]
        with reading(self._live.folder):
            for files in hours(self._live.folder, int(at[0]), int(at[-1]) + 1):
                for file in files:
                    if time.monotonic() >= self._check_at:
                        check()
                        self._check_at = time.monotonic() + CHECK_S
                    if self._has_any(file):
                        for rows in read_rows(file, self._forgotten):
                            self._put(rows)
        return self._is_there

    def _has_any(self, file: CapturedFile) -> bool:
        return any(
            (self._places(keys_of(ids.prediction, ids.at, ids.row)) >= 0).any()
            for ids in read_ids(file, self._forgotten)
        )

    def _put(self, rows: CapturedRows) -> None:
        ids = rows.ids
        places = self._places(keys_of(ids.prediction, ids.at, ids.row))
        chosen = np.flatnonzero(places >= 0)
        if not len(chosen):
            return
        places = places[chosen]
        inputs = {name: values[chosen] for name, values in rows.inputs.items()}
        if self._wanted.is_finite:
            note_unfit(self.unfit, inputs, self._wanted.signature.inputs)
        for spec in self._wanted.signature.inputs:
            values = inputs[spec.name]
            if _is_ragged(spec):
                _put_each(self._inputs[spec.name], places, values, spec)
            else:
                self._inputs[spec.name][places] = values
        self._is_there[places] = True

    def _places(self, keys: np.ndarray) -> np.ndarray:
        """Where rows belong; -1 for those that weren't chosen."""
        places = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        found: np.ndarray = np.where(self._keys[places] == keys, places, -1)
        return found


def _empty(spec: TensorSpec, rows: int, path: Path) -> np.ndarray:
    if _is_ragged(spec):
        return np.empty(rows, object)
    shape = tuple(axis or 0 for axis in spec.item_shape)
    if spec.dtype == STRING:
        return np.empty((rows, *shape), object)
    made: np.ndarray = np.lib.format.open_memmap(path, "w+", spec.numpy_dtype, (rows, *shape))
    return made


def _put_each(target: np.ndarray, places: np.ndarray, values: np.ndarray, spec: TensorSpec) -> None:
    """One array a row, copied: what they were read from is large."""
    for place, value in zip(places.tolist(), values, strict=True):
        target[place] = np.array(value, spec.numpy_dtype)


def _is_ragged(spec: TensorSpec) -> bool:
    return None in spec.item_shape
