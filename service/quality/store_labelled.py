"""The labels themselves, row by row: which prediction was truly what, as it is known now."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import sqlalchemy as sa

from service.quality.predicted import DOUBLES, Kind, Shape, read_sets
from service.quality.store_tables import feedback, forgotten
from service.quality.store_versions import ScoredVersion, ScoredVersions

AT_ONCE = 10_000
ID = np.dtype("S16")  # to be compared, never taken out: zeros at its end get lost
FORMS: Mapping[Kind, Literal["classes", "values", "sets"]] = {
    Kind.CLASSES: "classes",
    Kind.VALUES: "values",
    Kind.SETS: "sets",
}

Span = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True, eq=False)
class LabelBatch:
    """Some labelled rows of one version, in the order of their predictions' times.

    `truth` is int64 classes, or float64 numbers or bool labels of shape (rows, width). Times are in
    milliseconds since 1970.
    """

    version: int
    form: Literal["classes", "values", "sets"]
    width: int
    prediction: np.ndarray
    row: np.ndarray
    at: np.ndarray
    labelled_at: np.ndarray
    truth: np.ndarray

    def __len__(self) -> int:
        return len(self.row)


class LabelStore(ScoredVersions):
    """The half of the store that labels are read from, for retraining."""

    def labels(
        self,
        model: str,
        since: int | None = None,
        until: int | None = None,
        versions: Collection[int] | None = None,
    ) -> Iterator[LabelBatch]:
        """The labels of predictions from `since` on and before `until`, version after version.

        They are the labels as they are now, corrections included. Each batch is a short query of
        its own, so that no writer ever waits for a slow reader.
        """
        for one in self._labelled_versions(model, versions):
            if one.shape.kind in FORMS:
                yield from self._labels(one, (since, until))

    def count_labels(
        self,
        model: str,
        since: int | None = None,
        until: int | None = None,
        versions: Collection[int] | None = None,
    ) -> int:
        """How many rows of these predictions have a label."""
        known = [one.id for one in self._labelled_versions(model, versions)]
        query = sa.select(sa.func.count()).where(
            feedback.c.scored.in_(known), *_within((since, until))
        )
        with self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def forgotten(self, model: str) -> np.ndarray:
        """The ids of predictions that were deleted, in order."""
        query = (
            sa.select(forgotten.c.prediction)
            .where(forgotten.c.repository == self._repository, forgotten.c.model == model)
            .order_by(forgotten.c.prediction)
        )
        with self._engine.connect() as connection:
            found = connection.execute(query).scalars().all()
        return np.frombuffer(b"".join(map(bytes, found)), ID)

    def _labelled_versions(
        self, model: str, versions: Collection[int] | None
    ) -> list[ScoredVersion]:
        with self._engine.connect() as connection:
            known = self._known(connection, model).values()
        return [one for one in known if versions is None or one.version in versions]

    def _labels(self, one: ScoredVersion, span: Span) -> Iterator[LabelBatch]:
        key = (feedback.c.predicted_at, feedback.c.prediction, feedback.c.row)
        query = (
            sa.select(*key, feedback.c.labelled_at, feedback.c.true_class, feedback.c.true_content)
            .where(feedback.c.scored == one.id, *_within(span))
            .order_by(*key)
            .limit(AT_ONCE)
        )
        after = query
        while True:
            with self._engine.connect() as connection:
                records = connection.execute(after).all()
            if records:
                yield _batch(one, records)
            if len(records) < AT_ONCE:
                return
            after = query.where(sa.tuple_(*key) > sa.tuple_(*records[-1][:3]))


def _within(span: Span) -> "list[sa.ColumnElement[bool]]":
    since, until = span
    at = feedback.c.predicted_at
    return [
        *([] if since is None else [at >= since]),
        *([] if until is None else [at < until]),
    ]


def _batch(one: ScoredVersion, records: "list[sa.Row[Any]] | Any") -> LabelBatch:
    """The rows whose labels are of the version's present shape."""
    truths = [_content(record, one.shape) for record in records]
    fitting = [at for at, truth in enumerate(truths) if truth is not None]
    kept = [records[at] for at in fitting]
    return LabelBatch(
        one.version,
        FORMS[one.shape.kind],
        one.shape.width,
        np.frombuffer(b"".join(bytes(record.prediction) for record in kept), ID),
        np.array([record.row for record in kept], np.int32),
        np.array([record.predicted_at for record in kept], np.int64),
        np.array([record.labelled_at for record in kept], np.int64),
        _truth([truths[at] for at in fitting], one.shape),
    )


def _content(record: Any, shape: Shape) -> int | bytes | None:
    """The label, unless it was kept when the version's answers had another shape."""
    if shape.kind is Kind.CLASSES:
        label: int | None = record.true_class
        return label
    size = DOUBLES.itemsize * shape.width if shape.kind is Kind.VALUES else shape.row_bytes
    content = record.true_content
    return bytes(content) if content is not None and len(content) == size else None


def _truth(truths: list[Any], shape: Shape) -> np.ndarray:
    if shape.kind is Kind.CLASSES:
        return np.array(truths, np.int64)
    content = b"".join(truths)
    if shape.kind is Kind.SETS:
        return read_sets(shape.width, content)
    return np.frombuffer(content, DOUBLES).astype(np.float64).reshape(-1, shape.width)
