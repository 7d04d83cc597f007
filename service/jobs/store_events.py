"""What has happened to a job, in order."""

from typing import Any

import sqlalchemy as sa

from service.jobs.job import JobEvent
from service.jobs.store_tables import job_events, jobs

MOST_EVENTS = 10_000


class EventStore:
    """The events of one repository's jobs."""

    def __init__(self, engine: sa.Engine, repository: str) -> None:
        self._engine = engine
        self._repository = repository

    def events(self, job: str, after: int = 0, limit: int = 1000) -> list[JobEvent]:
        """The events of a job with higher numbers, in order; none of a job that isn't there."""
        query = (
            self._of(job)
            .where(job_events.c.number > after)
            .order_by(job_events.c.number)
            .limit(min(limit, MOST_EVENTS))
        )
        return self._read(query)

    def latest_events(self, job: str, kind: str, limit: int = MOST_EVENTS) -> list[JobEvent]:
        """The last events of a kind, in order."""
        query = (
            self._of(job)
            .where(job_events.c.kind == kind)
            .order_by(job_events.c.number.desc())
            .limit(min(limit, MOST_EVENTS))
        )
        return self._read(query)[::-1]

    def _of(self, job: str) -> sa.Select[Any]:
        ours = sa.select(jobs.c.id).where(jobs.c.id == job, jobs.c.repository == self._repository)
        return sa.select(job_events).where(job_events.c.job.in_(ours), job_events.c.job == job)

    def _read(self, query: sa.Select[Any]) -> list[JobEvent]:
        with self._engine.connect() as connection:
            return [
                JobEvent(row.job, row.number, row.at, row.kind, row.body)
                for row in connection.execute(query)
            ]
