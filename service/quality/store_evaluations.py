"""Evaluations as the database keeps them: what versions came to on data with known labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from service.quality.store_tables import evaluations
from service.quality.store_upsert import keep_first

ABOUT = tuple(column for column in evaluations.c if column.name != "correct")


@dataclass(frozen=True, slots=True)
class StoredEvaluation:
    """One version on one set of data; `at` is in seconds since 1970.

    `dataset` says what the data is for: train, validation, test or any other name; `data_sha256`
    which data it was. `scores` holds everything that was computed, `metrics` of it the names with
    a number each that are compared and exported. `confusion` has rows true, columns predicted;
    empty where there are no classes. `correct` has a bit a row, in the data's order, for McNemar's
    test; empty where right and wrong have no meaning, and where it wasn't asked for.
    """

    model: str
    version: int
    dataset: str
    data_sha256: str
    rows: int
    job: str
    at: float
    scores: Mapping[str, Any]
    metrics: Mapping[str, float]
    confusion: tuple[tuple[int, ...], ...] = ()
    correct: bytes = b""


class EvaluationStore:
    """The evaluations of one repository's models."""

    def __init__(self, engine: sa.Engine, repository: str) -> None:
        self._engine = engine
        self._repository = repository

    def add(self, evaluation: StoredEvaluation) -> None:
        """Keep an evaluation; the same version on the same data by the same job is kept once."""
        row = {
            "repository": self._repository,
            "model": evaluation.model,
            "version": evaluation.version,
            "dataset": evaluation.dataset,
            "data_sha256": evaluation.data_sha256,
            "job": evaluation.job,
            "at": evaluation.at,
            "rows": evaluation.rows,
            "scores": _text(evaluation.scores),
            "metrics": _text(evaluation.metrics),
            "confusion": _text(evaluation.confusion),
            "correct": evaluation.correct,
        }
        with self._engine.begin() as connection:
            keep_first(connection, evaluations, [row])

    def latest(self, model: str = "") -> list[StoredEvaluation]:
        """The newest of each version and dataset, without `correct`; of one model or of all."""
        key = (evaluations.c.model, evaluations.c.version, evaluations.c.dataset)
        newest = sa.select(sa.func.max(evaluations.c.id)).where(*self._ours(model)).group_by(*key)
        return self._read(sa.select(*ABOUT).where(evaluations.c.id.in_(newest)).order_by(*key))

    def find(
        self, model: str, version: int | None = None, dataset: str = "", limit: int = 100
    ) -> list[StoredEvaluation]:
        """Evaluations of a model, newest first, without `correct`."""
        query = sa.select(*ABOUT).where(*self._ours(model, version, dataset))
        return self._read(query.order_by(evaluations.c.id.desc()).limit(limit))

    def on_same_data(
        self, model: str, a: int, b: int, dataset: str = ""
    ) -> tuple[StoredEvaluation, StoredEvaluation] | None:
        """The newest evaluations of two versions on the same data, with `correct`; or none."""
        first, second = evaluations.alias(), evaluations.alias()
        query = (
            sa.select(first.c.id, second.c.id)
            .where(
                *(side.c.repository == self._repository for side in (first, second)),
                *(side.c.model == model for side in (first, second)),
                first.c.version == a,
                second.c.version == b,
                first.c.data_sha256 == second.c.data_sha256,
                *([first.c.dataset == dataset] if dataset else []),
            )
            .order_by(sa.desc(first.c.id + second.c.id))
            .limit(1)
        )
        with self._engine.connect() as connection:
            ids = connection.execute(query).first()
        if ids is None:
            return None
        both = self._read(sa.select(evaluations).where(evaluations.c.id.in_(list(ids))))
        of_version = {one.version: one for one in both}
        return of_version[a], of_version[b]

    def _ours(
        self, model: str = "", version: int | None = None, dataset: str = ""
    ) -> "list[sa.ColumnElement[bool]]":
        table = evaluations.c
        return [
            table.repository == self._repository,
            *([table.model == model] if model else []),
            *([] if version is None else [table.version == version]),
            *([table.dataset == dataset] if dataset else []),
        ]

    def _read(self, query: "sa.Select[Any]") -> list[StoredEvaluation]:
        with self._engine.connect() as connection:
            return [_evaluation(record._asdict()) for record in connection.execute(query)]


def _evaluation(record: Mapping[str, Any]) -> StoredEvaluation:
    told = ("model", "version", "dataset", "data_sha256", "rows", "job", "at")
    confusion: Sequence[Sequence[int]] = orjson.loads(record["confusion"])
    return StoredEvaluation(
        **{name: record[name] for name in told},
        scores=orjson.loads(record["scores"]),
        metrics=orjson.loads(record["metrics"]),
        confusion=tuple(tuple(row) for row in confusion),
        correct=bytes(record.get("correct", b"")),
    )


def _text(value: Any) -> str:
    return orjson.dumps(value).decode()
