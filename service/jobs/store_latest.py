"""The latest job of each model that has begun, and what those ask that haven't ended."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from service.jobs.job import ENDED, Job, Kind
from service.jobs.store_rows import as_job, brief_columns
from service.jobs.store_tables import jobs


class LatestStore:
    """The jobs of one repository."""

    def __init__(self, engine: sa.Engine, repository: str) -> None:
        self._engine = engine
        self._repository = repository

    def latest(self, kind: Kind) -> list[Job]:
        """By model; without what was asked and what came of it."""
        ours = (jobs.c.repository == self._repository, jobs.c.kind == kind.value)
        begun = sa.select(sa.func.max(jobs.c.id)).where(*ours, jobs.c.started_at.is_not(None))
        query = (
            sa.select(*brief_columns())
            .where(jobs.c.id.in_(begun.group_by(jobs.c.model)))
            .order_by(jobs.c.model)
        )
        with self._engine.connect() as connection:
            return [as_job(row) for row in connection.execute(query)]

    def waiting_requests(self) -> list[tuple[str, Mapping[str, Any]]]:
        """The model and the request of each job that waits or runs, of any repository: several may
        share a folder of data files.
        """
        query = sa.select(jobs.c.model, jobs.c.request).where(jobs.c.state.not_in(sorted(ENDED)))
        with self._engine.connect() as connection:
            return [(row.model, row.request) for row in connection.execute(query)]
