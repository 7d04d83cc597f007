"""Which job an Idempotency-Key was given for, and whether by the same request."""

import hashlib
import json

import sqlalchemy as sa

from service.base.http_errors import Conflict
from service.jobs.job import Job, JobOrder
from service.jobs.store_rows import as_job
from service.jobs.store_tables import job_events, jobs


class KeyStore:
    """The keys of one repository's jobs; a job's first event tells the digest of what was sent."""

    def __init__(self, engine: sa.Engine, repository: str) -> None:
        self._engine = engine
        self._repository = repository

    def asked_before(self, order: JobOrder) -> Job | None:
        """The job that the order's key was given for before, as long as that one is kept, or none.

        Raises Conflict if another one was asked for.
        """
        if not order.key:
            return None
        query = (
            sa.select(jobs, job_events.c.body.label("first"))
            .join(job_events, sa.and_(job_events.c.job == jobs.c.id, job_events.c.number == 1))
            .where(jobs.c.repository == self._repository, jobs.c.key == order.key)
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        asked = (order.kind.value, order.model, digest_sent(order))
        if (row.kind, row.model, row.first.get("sent")) != asked:
            raise Conflict(
                f"The Idempotency-Key was used for another request, that of job {row.id}; "
                "give each request its own key"
            )
        return as_job(row)


def digest_sent(order: JobOrder) -> str:
    """The sha256 of what the client has sent, in whatever order."""
    sent = order.request if order.sent is None else order.sent
    return hashlib.sha256(json.dumps(sent, sort_keys=True, default=str).encode()).hexdigest()
