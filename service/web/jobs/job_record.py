"""A job as it is answered: what was asked, how far it is, and what came of it."""

from collections.abc import Iterable
from typing import Any

from service.jobs.job import Job, JobEvent
from service.jobs.record import brief_record

EPOCH = "epoch"

Json = dict[str, Any]


def job_record(job: Job, events: Iterable[JobEvent]) -> Json:
    """All of it, with its epochs out of its events."""
    return {
        **brief_record(job),
        "epochs": epochs_of(events),
        "request": dict(job.request),
        "result": dict(job.result),
    }


def epochs_of(events: Iterable[JobEvent]) -> list[Json]:
    """What each epoch came to; of one that was run again after an interruption, the last time."""
    told = {event.body.get("epoch", 0): dict(event.body) for event in events if event.kind == EPOCH}
    return [told[number] for number in sorted(told)]
