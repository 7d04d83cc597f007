"""The latest job of each model that has begun, on both databases."""

from service.jobs.job import JobState, Kind
from service.jobs.store import JobStore
from tests.jobs.orders import order

NOW = 1_800_000_000.0


def test_the_latest_that_has_begun_is_told_without_what_is_long(store: JobStore) -> None:
    def begin(model: str, at: float) -> str:
        store.submit(order(model), at)
        job = store.claim(at, at_once=9)
        assert job is not None
        store.beat(job.id, job.attempt, at, {"epoch": 3})
        store.finish(job.id, job.attempt, JobState.GATED, at, {"long": 1})
        return job.id

    begin("m", NOW)
    second, other = begin("m", NOW + 1), begin("n", NOW + 2)
    store.submit(order("m"), NOW + 3)  # waits
    found = store.latest(Kind.RETRAIN)
    assert [job.id for job in found] == [second, other]
    assert found[0].progress == {"epoch": 3}
    assert (dict(found[0].request), dict(found[0].result)) == ({}, {})
    assert store.latest(Kind.EVALUATE) == []
