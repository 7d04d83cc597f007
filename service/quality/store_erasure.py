"""What is taken out again: the rows of a person, and rows that are too old to be kept."""

from collections.abc import Sequence

import sqlalchemy as sa

from service.base.database import durable
from service.quality.ledger import Ledger, Said
from service.quality.predicted import Prediction
from service.quality.store_entries import write_ledger
from service.quality.store_forgotten import hold_alone
from service.quality.store_tables import (
    PAST,
    feedback,
    feedback_hours,
    feedback_sums,
    forgotten,
    prediction_hours,
    prediction_scores,
    predictions,
    scored_versions,
)
from service.quality.store_upsert import add, keep_first
from service.quality.store_versions import ScoredVersion, ScoredVersions
from service.quality.windows import HOUR, hour_of

LOOKED_UP = 500


class ErasureStore(ScoredVersions):
    """The deleting half of feedback."""

    def forget(self, model: str, ids: Sequence[bytes], at: int) -> int:
        """Delete all that is kept of predictions of a model; how many labelled rows that were.

        They no longer count in any span of time; what counts first never falls, for it is a
        counter. A label that comes for them later is refused, so that no retry brings it back.
        """
        ordered = sorted(set(ids))
        removed = 0
        for start in range(0, len(ordered), LOOKED_UP):
            some = ordered[start : start + LOOKED_UP]
            with durable(self._engine) as connection:
                if connection.dialect.name == "sqlite":  # PostgreSQL does so when it vacuums
                    connection.exec_driver_sql("PRAGMA secure_delete=ON")
                removed += self._forget(connection, model, some, at)
        self._empty_log()
        return removed

    def models(self) -> list[str]:
        """Those of which anything is kept."""
        known = sa.select(scored_versions.c.model).where(
            scored_versions.c.repository == self._repository
        )
        gone = sa.select(forgotten.c.model).where(forgotten.c.repository == self._repository)
        with self._engine.connect() as connection:
            return sorted(connection.scalars(known.union(gone)))

    def prune(self, model: str, before: int) -> int:
        """Delete rows of predictions from before a time; how many labelled ones that were.

        What they came to stays in the sums over all time. The caller asks only for what is older
        than labels are accepted for; should that grow, labels for what went are refused all
        the same. It is done an hour at a time, as others wait meanwhile.
        """
        limit = hour_of(before)
        with self._engine.connect() as connection:
            versions = self._known(connection, model)
        removed = sum(self._prune(one, limit) for one in versions.values())
        old = sa.delete(forgotten).where(
            forgotten.c.repository == self._repository,
            forgotten.c.model == model,
            forgotten.c.forgotten_at < before,
        )
        with self._engine.begin() as connection:
            connection.execute(old)
        return removed

    def _forget(self, connection: sa.Connection, model: str, ids: Sequence[bytes], at: int) -> int:
        hold_alone(connection)
        known = self._known(connection, model)
        self._lock(connection, model, dict.fromkeys(one.version for one in known.values()))
        ours = {"repository": self._repository, "model": model, "forgotten_at": at}
        keep_first(connection, forgotten, [{"prediction": one, **ours} for one in ids])
        connection.execute(
            sa.delete(predictions).where(
                predictions.c.id.in_(ids), predictions.c.scored.in_(list(known))
            )
        )
        gone = connection.execute(
            sa.delete(feedback)
            .where(feedback.c.scored.in_(list(known)), feedback.c.prediction.in_(ids))
            .returning(feedback)
        ).all()
        ledger = Ledger(at)
        for record in gone:
            ledger.remove(record.scored, _said(record, known[record.scored]))
        write_ledger(connection, ledger)
        return len(gone)

    def _empty_log(self) -> None:
        """Have SQLite's log, in which pages still are as they were, written back and cut off."""
        if self._engine.dialect.name == "sqlite":
            with self._engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def _prune(self, one: ScoredVersion, limit: int) -> int:
        """First no label is taken any more for what goes: it would count a row once more."""
        removed = 0
        with self._engine.begin() as connection:
            self._lock(connection, one.model, {one.version: None})
            _refuse_before(connection, one.id, limit * HOUR)
        while (hour := self._oldest_hour(one.id)) is not None and hour < limit:
            with self._engine.begin() as connection:
                self._lock(connection, one.model, {one.version: None})
                removed += _delete_until(connection, one.id, (hour + 1) * HOUR)
        with self._engine.begin() as connection:
            self._lock(connection, one.model, {one.version: None})
            for table in (feedback_hours, feedback_sums, prediction_hours, prediction_scores):
                _fold(connection, table, one.id, limit)
        return removed

    def _oldest_hour(self, scored: int) -> int | None:
        """The first hour of which there are rows, labelled or recorded."""
        with self._engine.connect() as connection:
            oldest = [
                connection.execute(
                    sa.select(sa.func.min(table.c.predicted_at)).where(table.c.scored == scored)
                ).scalar()
                for table in (feedback, predictions)
            ]
        found = [at for at in oldest if at is not None]
        return hour_of(min(found)) if found else None


def _refuse_before(connection: sa.Connection, scored: int, at: int) -> None:
    """Take labels of predictions from a time on alone; it never goes back."""
    connection.execute(
        sa.update(scored_versions)
        .where(scored_versions.c.id == scored, scored_versions.c.kept_since < at)
        .values(kept_since=at)
    )


def _delete_until(connection: sa.Connection, scored: int, until: int) -> int:
    """Delete the rows before a time; how many labelled ones there were."""

    def old(table: sa.Table) -> sa.Delete:
        return sa.delete(table).where(table.c.scored == scored, table.c.predicted_at < until)

    connection.execute(old(predictions))
    return int(connection.execute(old(feedback)).rowcount)


def _fold(connection: sa.Connection, table: sa.Table, scored: int, limit: int) -> None:
    """Add up the hours before `limit` into one: what was before all that is kept."""
    old = (table.c.scored == scored, table.c.hour != PAST, table.c.hour < limit)
    records = connection.execute(sa.delete(table).where(*old).returning(table)).mappings().all()
    sums = [column.name for column in table.c if not column.primary_key]
    folded: dict[tuple[int, ...], dict[str, int | float]] = {}
    for record in records:
        row = {**record, "hour": PAST}
        known = folded.setdefault(tuple(row[key.name] for key in table.primary_key), row)
        if known is not row:
            known.update({name: known[name] + row[name] for name in sums})
    add(connection, table, list(folded.values()))


def _said(record: "sa.Row[tuple[object, ...]]", version: ScoredVersion) -> Said:
    """The row as it was labelled."""
    is_class = record.true_class is not None
    shape = version.shape
    prediction = Prediction(
        record.prediction, version.version, record.predicted_at, shape, record.row + 1, None
    )
    said = Said(
        prediction,
        record.row,
        record.predicted_class if is_class else record.predicted_content,
        record.score,
    )
    said.truths.append(record.true_class if is_class else record.true_content)
    return said
