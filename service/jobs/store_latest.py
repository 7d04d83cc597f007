"""The latest job of each model that has begun, for whoever draws how jobs go."""

import sqlalchemy as sa

from service.jobs.job import Job, Kind
from service.jobs.store_rows import as_job
from service.jobs.store_tables import jobs

# What was asked and what came of it may be long, and a scrape has no use for it.
LONG = ("request", "result")


class LatestStore:
    """The jobs of one repository."""

    def __init__(self, engine: sa.Engine, repository: str) -> None:
        self._engine = engine
        self._repository = repository

    def latest(self, kind: Kind) -> list[Job]:
        """By model; without what was asked and what came of it."""
        ours = (jobs.c.repository == self._repository, jobs.c.kind == kind.value)
        begun = sa.select(sa.func.max(jobs.c.id)).where(*ours, jobs.c.started_at.is_not(None))
        empty = [sa.literal({}, sa.JSON()).label(name) for name in LONG]
        short = [column for column in jobs.c if column.name not in LONG]
        query = (
            sa.select(*short, *empty)
            .where(jobs.c.id.in_(begun.group_by(jobs.c.model)))
            .order_by(jobs.c.model)
        )
        with self._engine.connect() as connection:
            return [as_job(row) for row in connection.execute(query)]
