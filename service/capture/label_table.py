"""Labels by the rows that they are of, to be looked up for many rows at once."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from service.capture.decoding import CapturedIds

TIME, NUMBER = np.dtype(">i8"), np.dtype(">i4")
KEY = np.dtype("S28")  # time, id, row: so that keys in order are rows in order


class LabelRows(Protocol):
    """Labelled rows of one version; see `quality.store_labelled`."""

    @property
    def version(self) -> int: ...
    @property
    def form(self) -> str: ...
    @property
    def width(self) -> int: ...
    @property
    def prediction(self) -> np.ndarray: ...
    @property
    def row(self) -> np.ndarray: ...
    @property
    def at(self) -> np.ndarray: ...
    @property
    def labelled_at(self) -> np.ndarray: ...
    @property
    def truth(self) -> np.ndarray: ...


class Labels(Protocol):
    """Where the labels are kept, with what is known of predictions that were forgotten."""

    def labels(
        self,
        model: str,
        since: int | None = None,
        until: int | None = None,
        versions: Collection[int] | None = None,
    ) -> Iterator[LabelRows]:
        """The labels of predictions of a time, version after version."""
        ...

    def count_labels(
        self,
        model: str,
        since: int | None = None,
        until: int | None = None,
        versions: Collection[int] | None = None,
    ) -> int:
        """How many there are."""
        ...

    def forgotten(self, model: str) -> np.ndarray:
        """The ids of forgotten predictions, in order."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class LabelTable:
    """The labels of one version, in the order of their keys."""

    form: str
    width: int
    keys: np.ndarray
    labelled_at: np.ndarray
    truth: np.ndarray

    def find(self, ids: CapturedIds) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Which rows have a label, their keys, and their labels.

        A prediction may have labels under both of its ids: the one that came last counts.
        """
        keys = keys_of(ids.prediction, ids.at, ids.row)
        given = self._places(keys)
        own = self._places(keys_of(ids.own, ids.at, ids.row))
        is_later = self._time_of(own) > self._time_of(given)
        places = np.where((given < 0) | ((own >= 0) & is_later), own, given)
        found = np.flatnonzero(places >= 0)
        return found, keys[found], self.truth[places[found]]

    def _places(self, keys: np.ndarray) -> np.ndarray:
        """Where the keys are; -1 for those that aren't."""
        if not len(self.keys):
            return np.full(len(keys), -1)
        places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[places] == keys, places, -1)

    def _time_of(self, places: np.ndarray) -> np.ndarray:
        return self.labelled_at[places] if len(self.keys) else places


def tables(rows: Iterable[LabelRows]) -> dict[int, LabelTable]:
    """The labels by version."""
    by_version: dict[int, list[LabelRows]] = {}
    for batch in rows:
        by_version.setdefault(batch.version, []).append(batch)
    return {version: _table(batches) for version, batches in by_version.items()}


def keys_of(prediction: np.ndarray, at: np.ndarray, row: np.ndarray) -> np.ndarray:
    """A key for each row: nothing but bytes, compared as such."""
    parts = [
        at.astype(TIME).view(np.uint8).reshape(-1, TIME.itemsize),
        np.ascontiguousarray(prediction).view(np.uint8).reshape(-1, prediction.dtype.itemsize),
        row.astype(NUMBER).view(np.uint8).reshape(-1, NUMBER.itemsize),
    ]
    keys: np.ndarray = np.concatenate(parts, axis=1).reshape(-1).view(KEY)
    return keys


def parts_of(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The reverse: ids, times, numbers of rows."""
    table = np.ascontiguousarray(keys).view(np.uint8).reshape(-1, KEY.itemsize)
    at = np.ascontiguousarray(table[:, :8]).view(TIME).reshape(-1).astype(np.int64)
    prediction = np.ascontiguousarray(table[:, 8:24]).reshape(-1).view("S16")
    row = np.ascontiguousarray(table[:, 24:]).view(NUMBER).reshape(-1).astype(np.int32)
    return prediction, at, row


def _table(batches: list[LabelRows]) -> LabelTable:
    keys = np.concatenate([keys_of(one.prediction, one.at, one.row) for one in batches])
    order = np.argsort(keys)
    return LabelTable(
        batches[0].form,
        batches[0].width,
        keys[order],
        np.concatenate([one.labelled_at for one in batches])[order],
        np.concatenate([one.truth for one in batches])[order],
    )
