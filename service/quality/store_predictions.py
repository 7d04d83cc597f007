"""Predictions that are recorded, as labels can't be joined without, and how many there were."""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from service.quality.predicted import Prediction, shape_of
from service.quality.store_forgotten import forgotten_among, hold
from service.quality.store_tables import (
    prediction_hours,
    prediction_scores,
    predictions,
    scored_versions,
)
from service.quality.store_upsert import Insert, add, upsert
from service.quality.store_versions import UNKNOWN_SHAPE, ScoredVersions

LOOKED_UP = 1000

Answered = tuple[str, int, int]  # model, version, hour
Binned = tuple[Answered, int]  # and the bin of a score
NO_SCORES: Mapping[Binned, int] = {}


class PredictionStore(ScoredVersions):
    """What workers tell of the predictions that they answered."""

    def record_predictions(self, model: str, made: Iterable[Prediction]) -> None:
        """Keep predictions of a model; where a client gave an id again, the latest one counts.

        Those that were forgotten while they waited to be written are dropped.
        """
        latest: dict[bytes, Prediction] = {}
        for one in made:
            known = latest.get(one.id)
            if one.content is not None and (known is None or known.at <= one.at):
                latest[one.id] = one
        if not latest:
            return
        with self._engine.begin() as connection:
            hold(connection)
            for gone in forgotten_among(connection, latest):
                del latest[gone]
            numbers = self._numbers(connection, {(model, one.version) for one in latest.values()})
            records = [
                _record(numbers[model, one.version], one)
                for one in sorted(latest.values(), key=lambda one: one.id)
            ]
            upsert(connection, predictions, records, _if_later)

    def find_predictions(self, ids: Iterable[bytes]) -> dict[bytes, Prediction]:
        """The recorded predictions with these ids, as far as there are any."""
        wanted = sorted(ids)
        query = (
            sa.select(predictions, scored_versions.c.version)
            .join(scored_versions, scored_versions.c.id == predictions.c.scored)
            .where(
                predictions.c.id.in_(sa.bindparam("ids", expanding=True)),
                scored_versions.c.repository == self._repository,
            )
        )
        found: dict[bytes, Prediction] = {}
        with self._engine.connect() as connection:
            for start in range(0, len(wanted), LOOKED_UP):
                some = {"ids": wanted[start : start + LOOKED_UP]}
                for record in connection.execute(query, some):
                    found[record.id] = _prediction(record)
        return found

    def count_predictions(
        self, answered: Mapping[Answered, int], scores: Mapping[Binned, int] = NO_SCORES
    ) -> None:
        """Add to the number of rows that versions have answered in an hour, and of those in bins
        by their scores.
        """
        if not answered:
            return
        with self._engine.begin() as connection:
            numbers = self._numbers(connection, {(model, n) for model, n, _ in answered})
            add(connection, prediction_hours, [
                {"scored": numbers[model, version], "hour": hour, "predicted": rows, "labelled": 0}
                for (model, version, hour), rows in answered.items()
            ])  # fmt: skip
            add(connection, prediction_scores, [
                {"scored": numbers[model, version], "hour": hour, "bin": place, "predicted": rows,
                 "labelled": 0, "correct": 0, "steps": 0}
                for ((model, version, hour), place), rows in scores.items()
            ])  # fmt: skip

    def _numbers(
        self, connection: sa.Connection, wanted: set[tuple[str, int]]
    ) -> dict[tuple[str, int], int]:
        """The numbers of versions; those that have none yet get one."""
        numbers = self._read_numbers(connection)
        unknown = sorted(wanted - numbers.keys())
        if unknown:
            shape = {"kind": int(UNKNOWN_SHAPE.kind), "width": UNKNOWN_SHAPE.width}
            self._insert(connection, [
                {"repository": self._repository, "model": model, "version": version, **shape}
                for model, version in unknown
            ])  # fmt: skip
            numbers = self._read_numbers(connection)
        return numbers

    def _read_numbers(self, connection: sa.Connection) -> dict[tuple[str, int], int]:
        known = self._known(connection).values()
        return {(one.model, one.version): one.id for one in known}


def _if_later(insert: Insert, _table: sa.Table) -> Any:
    new = insert.excluded
    names = [column.name for column in predictions.c if not column.primary_key]
    return insert.on_conflict_do_update(
        index_elements=[predictions.c.id],
        set_={name: new[name] for name in names},
        where=predictions.c.predicted_at < new.predicted_at,
    )


def _record(scored: int, one: Prediction) -> dict[str, object]:
    return {
        "id": one.id,
        "scored": scored,
        "predicted_at": one.at,
        "kind": int(one.shape.kind),
        "width": one.shape.width,
        "rows": one.rows,
        "content": one.content,
    }


def _prediction(record: "sa.Row[tuple[object, ...]]") -> Prediction:
    return Prediction(
        id=record.id,
        version=record.version,
        at=record.predicted_at,
        shape=shape_of(record.kind, record.width),
        rows=record.rows,
        content=record.content,
    )
