"""Jobs as tests ask for them."""

from dataclasses import replace
from typing import Any

from service.jobs.job import Job, JobOrder, Kind
from service.jobs.store import JobStore

ORDER = JobOrder(Kind.RETRAIN, "digits", {"fit": {"epochs": 3}}, by="ada")


def order(model: str = "digits", **fields: Any) -> JobOrder:
    return replace(ORDER, model=model, **fields)


def begun(store: JobStore, now: float = 1000.0, model: str = "digits") -> Job:
    """A job that runs in its first attempt."""
    store.submit(order(model), now)
    job = store.claim(now, at_once=100, owner="here")
    assert job is not None
    return job
