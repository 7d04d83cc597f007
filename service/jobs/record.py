"""A job as it is told to whoever isn't of this program."""

from datetime import UTC, datetime

from service.base.strict_json import Json
from service.jobs.job import Job


def brief_record(job: Job) -> Json:
    """What lists, streams and webhooks tell."""
    return {
        "id": job.id,
        "kind": job.kind.value,
        "model": job.model,
        "state": job.state.value,
        "by": job.by,
        "trigger": job.trigger,
        "priority": job.priority,
        "attempt": job.attempt,
        "created_at": _time(job.created_at),
        "started_at": _time(job.started_at),
        "ended_at": _time(job.ended_at),
        "heartbeat_at": _time(job.heartbeat_at),
        "retry_at": _time(job.retry_at),
        "is_cancel_asked": job.is_cancel_asked,
        "progress": dict(job.progress),
        "error": job.error,
    }


def ended_record(job: Job) -> Json:
    """The same of a job that has ended, with what came of it."""
    return {**brief_record(job), "result": dict(job.result)}


def _time(seconds: float | None) -> str | None:
    """A time of the wall clock in ISO 8601, to the millisecond."""
    if seconds is None:
        return None
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
