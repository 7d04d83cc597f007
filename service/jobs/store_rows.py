"""Jobs as rows: how one is read, and changed together with the event that tells of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from service.jobs.job import ACTIVE, Job, JobState, Kind
from service.jobs.store_tables import job_events, jobs

ACTIVE_VALUES = sorted(ACTIVE)
Row = sa.Row[Any]
# What was asked and what came of it may be long, and lists and scrapes have no use for it.
LONG = ("request", "result")


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that is being added; its number comes from the job's row."""

    at: float
    kind: str
    body: Mapping[str, Any]


def brief_columns() -> list[sa.ColumnElement[Any]]:
    """All that a list tells of jobs; what is long is empty."""
    empty = [sa.literal({}, sa.JSON()).label(name) for name in LONG]
    return [*(column for column in jobs.c if column.name not in LONG), *empty]


def state_event(at: float, state: JobState, **about: object) -> NewEvent:
    """The event that tells of a new state; what is empty isn't told."""
    told = {name: value for name, value in about.items() if value not in ("", None)}
    return NewEvent(at, "state", {"state": state.value, **told})


def change(
    connection: sa.Connection,
    where: sa.ColumnElement[bool],
    values: Mapping[str, Any],
    event: NewEvent | None = None,
) -> Row | None:
    """Change the one job that matches, and add the event; the row as it is then, or none.

    The event's number is taken from the row in the same statement: whoever adds another one waits
    for this transaction, so that numbers have no gaps and are seen in order.
    """
    raised = {} if event is None else {"events": jobs.c.events + 1}
    statement = sa.update(jobs).where(where).values(**values, **raised).returning(*jobs.c)
    row = connection.execute(statement).one_or_none()
    if row is not None and event is not None:
        connection.execute(
            sa.insert(job_events),
            {
                "job": row.id,
                "number": row.events,
                "at": event.at,
                "kind": event.kind,
                "body": plain(event.body),
            },
        )
    return row


def held_by(repository: str, job: str, attempt: int) -> sa.ColumnElement[bool]:
    """The fence: true for the row of a job as long as this attempt is the one that runs."""
    return sa.and_(
        jobs.c.id == job,
        jobs.c.repository == repository,
        jobs.c.attempt == attempt,
        jobs.c.state.in_(ACTIVE_VALUES),
    )


def as_job(row: Row) -> Job:
    """The job of a row."""
    return Job(
        id=row.id,
        kind=Kind(row.kind),
        model=row.model,
        request=row.request,
        state=JobState(row.state),
        by=row.asked_by,
        trigger=row.asked_through,
        priority=row.priority,
        attempt=row.attempt,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        heartbeat_at=row.heartbeat_at,
        retry_at=row.retry_at,
        is_cancel_asked=bool(row.is_cancel_asked),
        progress=row.progress,
        result=row.result,
        error=row.error,
        begun_at=row.begun_at,
        failures=row.failures,
        owner=row.owner,
    )


def plain(value: Mapping[str, Any]) -> Any:
    """The same as any database takes it: NumPy's numbers as numbers, NaN and infinities as null."""
    options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    return orjson.loads(orjson.dumps(dict(value), default=str, option=options))


def storable(text: str) -> str:
    """The text with what no database takes written out: it may quote a stranger's file."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
