"""The queue of jobs: asked for, found, claimed by who runs them, cancelled."""

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from service.base.database import durable
from service.base.errors import Overloaded
from service.base.job_errors import JobNotFound
from service.jobs.ids import new_id
from service.jobs.job import ENDED, Job, JobOrder, JobState, Kind
from service.jobs.store_counts import count_ended
from service.jobs.store_keys import KeyStore, digest_sent
from service.jobs.store_rows import (
    ACTIVE_VALUES,
    NewEvent,
    as_job,
    brief_columns,
    change,
    plain,
    state_event,
    storable,
)
from service.jobs.store_tables import job_events, jobs

CLAIM_LOCK = 0x6B6A6F62  # any number that nobody else takes in PostgreSQL
MOST_FOUND = 1000
MOST_WAITING = 1000  # of one model: whoever asks in a loop must not fill the disk
LONGEST_PAUSE_S = 3600.0  # who is to wait longer for the next attempt was told so by a wrong clock
ALONE = Kind.RETRAIN  # of these one runs at a time for a model


class QueueStore(KeyStore):
    """The jobs of one repository; several repositories may share a database."""

    def submit(self, order: JobOrder, now: float) -> Job:
        """Queue a job; it survives a power cut once this has returned.

        With a key that was given before it is the job of then, as long as that one is kept. Raises
        Conflict if that job is another one, Overloaded where too many of the model wait.
        """
        found = self.asked_before(order)
        if found is not None:
            return found
        self._check_room(order.model)
        try:
            return self._insert(order, now)
        except IntegrityError:  # the same key, at the same moment
            found = self.asked_before(order)
            if found is None:
                raise
            return found

    def get(self, job: str) -> Job:
        """One job. Raises JobNotFound."""
        query = sa.select(jobs).where(jobs.c.id == job, self._is_ours())
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise JobNotFound(job)
        return as_job(row)

    def find(
        self,
        model: str = "",
        state: JobState | None = None,
        kind: Kind | None = None,
        limit: int = 100,
        before: str = "",
        is_brief: bool = False,
    ) -> list[Job]:
        """Jobs, newest first; `before` is the last one of the page before. With `is_brief` they
        come without what was asked and what came of it.
        """
        columns = brief_columns() if is_brief else list(jobs.c)
        query = sa.select(*columns).where(self._is_ours()).order_by(jobs.c.id.desc())
        if model:
            query = query.where(jobs.c.model == model)
        if state is not None:
            query = query.where(jobs.c.state == state.value)
        if kind is not None:
            query = query.where(jobs.c.kind == kind.value)
        if before:
            query = query.where(jobs.c.id < before)
        with self._engine.connect() as connection:
            found = connection.execute(query.limit(min(limit, MOST_FOUND)))
            return [as_job(row) for row in found]

    def active(self) -> list[Job]:
        """The jobs that run, oldest first."""
        query = (
            sa.select(jobs)
            .where(self._is_ours(), jobs.c.state.in_(ACTIVE_VALUES))
            .order_by(jobs.c.id)
        )
        with self._engine.connect() as connection:
            return [as_job(row) for row in connection.execute(query)]

    def claim(self, now: float, at_once: int, owner: str = "") -> Job | None:
        """Take the job that is next and begin its next attempt; none if none may begin.

        By priority, then age. At most `at_once` run at a time, and one retrain for a model. Each is
        claimed once, however many claim at the same moment.
        """
        with self._engine.connect() as connection:  # most of the time there is nothing to write
            if connection.scalar(sa.select(_following(self._repository, now, at_once))) is None:
                return None
        with durable(self._engine) as connection:
            if connection.dialect.name == "postgresql":
                # Elsewhere a statement that writes sees what was written before; here two of them
                # would each count what the other has not committed yet.
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(CLAIM_LOCK)))
            following = _following(self._repository, now, at_once)
            row = change(
                connection,
                sa.and_(jobs.c.id == following, jobs.c.state == JobState.QUEUED.value),
                {
                    "state": JobState.RUNNING.value,
                    "attempt": jobs.c.attempt + 1,
                    "owner": owner,
                    "started_at": sa.func.coalesce(jobs.c.started_at, now),
                    "begun_at": now,
                    "heartbeat_at": now,
                    "retry_at": None,
                    "error": "",
                },
            )
            if row is None:
                return None
            event = state_event(now, JobState.RUNNING, attempt=row.attempt)
            change(connection, jobs.c.id == row.id, {}, event)
            return as_job(row)

    def ask_cancel(self, job: str, now: float) -> Job:
        """Cancel a job: at once if it waits, else its program ends soon; ended ones stay as they
        are. Raises JobNotFound.
        """
        cancelled = {"state": JobState.CANCELLED.value, "ended_at": now, "retry_at": None}
        ours = sa.and_(jobs.c.id == job, self._is_ours())
        news = sa.or_(jobs.c.state == JobState.QUEUED.value, ~jobs.c.is_cancel_asked)
        unasked = sa.and_(ours, jobs.c.state.not_in(sorted(ENDED)), news)
        with self._engine.begin() as connection:
            # Asked whether it waits or runs: between two statements it could change from one to
            # the other, and be missed by both.
            row = change(connection, unasked, {"is_cancel_asked": True})
            if row is not None and row.state == JobState.QUEUED.value:
                event = state_event(now, JobState.CANCELLED)
                row = change(connection, ours, cancelled, event)
                assert row is not None
                count_ended(connection, row)
            elif row is not None:
                change(connection, ours, {}, NewEvent(now, "cancel", {}))
        return self.get(job)

    def untold(self, limit: int = 100) -> dict[str, str]:
        """The ids of jobs that have ended and whose end nobody has been told, oldest first, with
        their models.
        """
        ended = jobs.c.state.in_(sorted(ENDED))
        query = (
            sa.select(jobs.c.id, jobs.c.model)
            .where(self._is_ours(), ended, ~jobs.c.is_told)
            .order_by(jobs.c.id)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            return {row.id: row.model for row in connection.execute(query)}

    def mark_told(self, job: str) -> None:
        """Note that the end of a job was told, or can't be."""
        told = sa.update(jobs).where(jobs.c.id == job, self._is_ours()).values(is_told=True)
        with self._engine.begin() as connection:
            connection.execute(told)

    def prune(self, before: float, limit: int = MOST_FOUND) -> list[str]:
        """Forget jobs that ended before a time and were told of, with their events; their ids."""
        ended = jobs.c.state.in_(sorted(ENDED))
        query = (
            sa.select(jobs.c.id)
            .where(self._is_ours(), ended, jobs.c.is_told, jobs.c.ended_at < before)
            .order_by(jobs.c.id)
            .limit(limit)
        )
        with self._engine.begin() as connection:
            old = list(connection.scalars(query))
            connection.execute(sa.delete(job_events).where(job_events.c.job.in_(old)))
            connection.execute(sa.delete(jobs).where(jobs.c.id.in_(old)))
        return old

    def ids(self) -> set[str]:
        """The ids of all jobs in the database, of any repository."""
        with self._engine.connect() as connection:
            return set(connection.scalars(sa.select(jobs.c.id)))

    def unended(self) -> set[str]:
        """The ids of those that wait or run, of any repository."""
        unended = jobs.c.state.not_in(sorted(ENDED))
        with self._engine.connect() as connection:
            return set(connection.scalars(sa.select(jobs.c.id).where(unended)))

    def _check_room(self, model: str) -> None:
        waiting = sa.select(jobs.c.id).where(
            self._is_ours(), jobs.c.model == model, jobs.c.state == JobState.QUEUED.value
        )
        count = sa.select(sa.func.count()).select_from(waiting.limit(MOST_WAITING).subquery())
        with self._engine.connect() as connection:
            if (connection.scalar(count) or 0) >= MOST_WAITING:
                raise Overloaded(f"a job of model {model}", MOST_WAITING)

    def _insert(self, order: JobOrder, now: float) -> Job:
        values = {
            "id": new_id(now),
            "repository": self._repository,
            "kind": order.kind.value,
            "model": order.model,
            "request": plain(order.request),
            "state": JobState.QUEUED.value,
            "asked_by": storable(order.by),
            "asked_through": order.trigger,
            "priority": order.priority,
            "key": order.key or None,
            "attempt": 0,
            "failures": 0,
            "owner": "",
            "created_at": now,
            "is_cancel_asked": False,
            "is_told": False,
            "progress": {},
            "result": {},
            "error": "",
            "events": 0,
        }
        with durable(self._engine) as connection:
            connection.execute(sa.insert(jobs), values)
            event = state_event(
                now, JobState.QUEUED, sent=digest_sent(order) if order.key else None
            )
            row = change(connection, jobs.c.id == values["id"], {}, event)
            assert row is not None
            return as_job(row)

    def _is_ours(self) -> sa.ColumnElement[bool]:
        return jobs.c.repository == self._repository


def _following(repository: str, now: float, at_once: int) -> sa.ScalarSelect[str]:
    """The id of the job that is to begin next, or NULL."""
    waiting, running = jobs.alias("waiting"), jobs.alias("running")
    runs = (running.c.repository == repository, running.c.state.in_(ACTIVE_VALUES))
    count = sa.select(sa.func.count()).select_from(running).where(*runs).scalar_subquery()
    # Asked once, not for each job that waits: of these there may be thousands.
    busy = sa.select(running.c.model).where(*runs, running.c.kind == ALONE.value)
    return (
        sa.select(waiting.c.id)
        .where(
            waiting.c.repository == repository,
            waiting.c.state == JobState.QUEUED.value,
            sa.or_(
                waiting.c.retry_at.is_(None),
                waiting.c.retry_at <= now,
                waiting.c.retry_at > now + LONGEST_PAUSE_S,
            ),
            count < at_once,
            sa.or_(waiting.c.kind != ALONE.value, waiting.c.model.not_in(busy)),
        )
        .order_by(waiting.c.priority.desc(), waiting.c.id)
        .limit(1)
        .scalar_subquery()
    )
