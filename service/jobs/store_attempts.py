"""What an attempt writes into its job's row, each time only if it is the latest one."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from service.base.database import durable
from service.base.job_errors import Superseded
from service.jobs.job import ACTIVE, ENDED, Job, JobState
from service.jobs.store_counts import count_ended
from service.jobs.store_rows import NewEvent, as_job, change, held_by, plain, state_event, storable
from service.jobs.store_tables import jobs


class AttemptStore:
    """Each call raises Superseded where another attempt has begun or the job has ended: whoever
    works behind a cut link can't write over its successor.
    """

    def __init__(self, engine: sa.Engine, repository: str) -> None:
        self._engine = engine
        self._repository = repository

    def beat(
        self, job: str, attempt: int, now: float, progress: Mapping[str, Any] | None = None
    ) -> bool:
        """Show that the attempt lives, and how far it is; true if the job is to be cancelled."""
        values: dict[str, Any] = {"heartbeat_at": now}
        if progress is not None:
            values["progress"] = plain(progress)
        with self._engine.begin() as connection:
            row = change(connection, self._fence(job, attempt), values)
        if row is None:
            raise Superseded(job, attempt)
        return bool(row.is_cancel_asked)

    def tell_before_it_begins(self, job: str, attempt: int, progress: Mapping[str, Any]) -> None:
        """Say how an attempt stands whose program hasn't shown itself: from then on it speaks."""
        silent = sa.and_(self._fence(job, attempt), jobs.c.heartbeat_at == jobs.c.begun_at)
        with self._engine.begin() as connection:
            change(connection, silent, {"progress": plain(progress)})

    def saved(self, job: str, attempt: int) -> None:
        """Note that what was done until now is kept: a next attempt goes on from here."""
        with self._engine.begin() as connection:
            row = change(connection, self._fence(job, attempt), {"failures": 0})
        if row is None:
            raise Superseded(job, attempt)

    def advance(self, job: str, attempt: int, state: JobState, now: float) -> None:
        """Go to another state in which the job still runs."""
        if state not in ACTIVE:
            raise ValueError(f"{state} is no state of a job that runs")
        event = state_event(now, state, attempt=attempt)
        with self._engine.begin() as connection:
            row = change(connection, self._fence(job, attempt), {"state": state.value}, event)
        if row is None:
            raise Superseded(job, attempt)

    def finish(
        self,
        job: str,
        attempt: int,
        state: JobState,
        now: float,
        result: Mapping[str, Any],
        error: str = "",
    ) -> Job:
        """End the job; a power cut doesn't undo it once this has returned."""
        if state not in ENDED:
            raise ValueError(f"{state} is no end of a job")
        values = {"result": plain(result), "error": storable(error)}
        with durable(self._engine) as connection:
            found = self._end(connection, self._fence(job, attempt), state, now, values)
        if found is None:
            raise Superseded(job, attempt)
        return found

    def give_up(self, job: str, attempt: int, now: float, why: str, retry_at: float | None) -> Job:
        """End the attempt: the job waits for the next one, or has failed if there is to be none.

        A job that was to be cancelled is.
        """
        about = {"retry_at": retry_at, "error": storable(why), "failures": jobs.c.failures + 1}
        return self._leave(job, attempt, now, about, is_last=retry_at is None)

    def put_back(self, job: str, attempt: int, now: float, why: str) -> Job:
        """End the attempt for a reason that isn't the job's: it waits for the next one, unless it
        was to be cancelled.
        """
        about = {"retry_at": None, "error": storable(why)}
        return self._leave(job, attempt, now, about, is_last=False)

    def add_event(
        self, job: str, attempt: int, kind: str, body: Mapping[str, Any], now: float
    ) -> int:
        """Tell what has happened; the event's number."""
        event = NewEvent(now, kind, body)
        with self._engine.begin() as connection:
            row = change(connection, self._fence(job, attempt), {}, event)
        if row is None:
            raise Superseded(job, attempt)
        return int(row.events)

    def _leave(
        self, job: str, attempt: int, now: float, about: Mapping[str, Any], is_last: bool
    ) -> Job:
        """End an attempt that hasn't ended its job, which waits for the next one, or ends too."""
        error = {"error": about["error"]}
        fence = self._fence(job, attempt)
        with durable(self._engine) as connection:
            row = change(connection, fence, error)  # from here on nobody else asks to cancel it
            if row is None:
                raise Superseded(job, attempt)
            if row.is_cancel_asked or is_last:
                state = JobState.CANCELLED if row.is_cancel_asked else JobState.FAILED
                found = self._end(connection, fence, state, now, error)
            else:
                found = self._queue(connection, fence, now, about)
        assert found is not None
        return found

    def _end(
        self,
        connection: sa.Connection,
        where: sa.ColumnElement[bool],
        state: JobState,
        now: float,
        values: Mapping[str, Any],
    ) -> Job | None:
        ended = {"state": state.value, "ended_at": now, "retry_at": None}
        event = state_event(now, state, error=values.get("error"))
        row = change(connection, where, {**ended, **values}, event)
        if row is None:
            return None
        count_ended(connection, row)
        return as_job(row)

    def _queue(
        self,
        connection: sa.Connection,
        where: sa.ColumnElement[bool],
        now: float,
        values: Mapping[str, Any],
    ) -> Job | None:
        event = state_event(now, JobState.QUEUED, why=values["error"], retry_at=values["retry_at"])
        row = change(connection, where, {"state": JobState.QUEUED.value, **values}, event)
        return None if row is None else as_job(row)

    def _fence(self, job: str, attempt: int) -> sa.ColumnElement[bool]:
        return held_by(self._repository, job, attempt)
