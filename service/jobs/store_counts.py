"""How many jobs have ended, how and after how long: counted with the end of each, and kept when the
jobs themselves are no longer.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from service.jobs.job import JobState, Kind
from service.jobs.store_tables import job_counts, job_durations

# Upper bounds in seconds; the last bucket is for what took longer.
DURATION_BOUNDS = (10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 43_200.0, 86_400.0)


@dataclass(frozen=True, slots=True)
class JobCount:
    """Jobs of a model that ended so; `seconds` is how long they took in all, `last_at` when the
    latest one ended.
    """

    model: str
    kind: Kind
    trigger: str
    state: JobState
    jobs: int
    seconds: float
    last_at: float


@dataclass(frozen=True, slots=True)
class JobDurations:
    """How many jobs of a model took how long: one number for each bound, and one beyond."""

    model: str
    kind: Kind
    buckets: tuple[int, ...]


class CountStore:
    """What the jobs of one repository come to."""

    def __init__(self, engine: sa.Engine, repository: str) -> None:
        self._engine = engine
        self._repository = repository

    def counts(self) -> list[JobCount]:
        """All counts; they never fall."""
        query = sa.select(job_counts).where(job_counts.c.repository == self._repository)
        with self._engine.connect() as connection:
            return [
                JobCount(
                    row.model, Kind(row.kind), row.asked_through, JobState(row.state),
                    row.jobs, row.seconds, row.last_at,
                )
                for row in connection.execute(query)
            ]  # fmt: skip

    def durations(self) -> list[JobDurations]:
        """How long jobs took from their first beginning to their end; by model and kind."""
        query = sa.select(job_durations).where(job_durations.c.repository == self._repository)
        found: dict[tuple[str, Kind], list[int]] = {}
        with self._engine.connect() as connection:
            for row in connection.execute(query):
                empty = [0] * (len(DURATION_BOUNDS) + 1)
                found.setdefault((row.model, Kind(row.kind)), empty)[row.bucket] = row.jobs
        return [JobDurations(*key, tuple(buckets)) for key, buckets in sorted(found.items())]


def count_ended(connection: sa.Connection, row: sa.Row[Any]) -> None:
    """Count a job that has just ended, in the transaction that ends it."""
    seconds = 0.0 if row.started_at is None else max(row.ended_at - row.started_at, 0.0)
    names = {"repository": row.repository, "model": row.model, "kind": row.kind}
    how = {"asked_through": row.asked_through, "state": row.state}
    sums = {"jobs": 1, "seconds": seconds, "last_at": row.ended_at}
    _add(connection, job_counts, {**names, **how, **sums})
    if row.started_at is not None:
        bucket = bisect_left(DURATION_BOUNDS, seconds)
        _add(connection, job_durations, {**names, "bucket": bucket, "jobs": 1})


def _add(connection: sa.Connection, table: sa.Table, values: Mapping[str, Any]) -> None:
    """Insert the row, or add to the one that is there; the latest time stays."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # megabytes that SQLite has no use for

        insert: Any = postgresql.insert(table).values(**values)
    else:
        insert = sqlite.insert(table).values(**values)
    sums = {
        name: table.c[name] + insert.excluded[name]
        for name in ("jobs", "seconds")
        if name in values
    }
    if "last_at" in values:
        later = insert.excluded.last_at > table.c.last_at
        sums["last_at"] = sa.case((later, insert.excluded.last_at), else_=table.c.last_at)
    connection.execute(
        insert.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=sums)
    )
