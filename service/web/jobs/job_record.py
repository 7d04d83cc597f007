"""A job as it is answered: what was asked, how far it is, and what came of it."""

from collections.abc import Iterable

from service.base.strict_json import Json
from service.jobs.job import Job, JobEvent
from service.jobs.record import brief_record

EPOCH = "epoch"


def job_record(job: Job, events: Iterable[JobEvent]) -> Json:
    """All of it, with its epochs out of its events."""
    epochs = epochs_of(events)
    return {
        **brief_record(job),
        "epochs": epochs,
        "request": dict(job.request),
        "result": dict(job.result) or _unfinished(job, epochs),
    }


def epochs_of(events: Iterable[JobEvent]) -> list[Json]:
    """What each epoch came to; of one that was run again after an interruption, the last time."""
    told = {event.body.get("epoch", 0): dict(event.body) for event in events if event.kind == EPOCH}
    return [told[number] for number in sorted(told)]


def _unfinished(job: Job, epochs: list[Json]) -> Json:
    """How the fit went of a job that came to nothing: as in the result of one that came to an end.

    Its program may have been killed, so that nobody could write this into its row.
    """
    if not job.is_ended or not epochs:
        return {}
    told, best = job.progress, job.progress.get("best_epoch")
    fit = {
        "epochs_run": len(epochs),
        "best_epoch": best,
        "best": next((one for one in epochs if one.get("epoch") == best), None),
        "last": epochs[-1],
        "stopped_by": told.get("stopped_by") or job.state.value,
        "stopped_why": told.get("stopped_why") or job.error or job.state.value.lower(),
    }
    return {"epochs": fit}
