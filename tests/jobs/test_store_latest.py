"""The latest job of each model that has begun, on both databases."""

from service.jobs.job import JobState, Kind
from service.jobs.store import JobStore
from tests.jobs.orders import begun, order

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


def test_the_last_events_of_a_kind_are_told_however_many_there_are(store: JobStore) -> None:
    job = begun(store)
    for epoch in range(1, 6):
        store.add_event(job.id, 1, "epoch", {"epoch": epoch}, 1001.0)
    store.advance(job.id, 1, JobState.EVALUATING, 1002.0)

    told = store.latest_events(job.id, "epoch", 2)

    assert [event.body["epoch"] for event in told] == [4, 5]
    assert store.latest_events("nothing", "epoch") == []


def test_what_is_asked_of_those_that_have_not_ended(store: JobStore) -> None:
    store.submit(order("over", request={"data": 0}), 1000.0)
    gone = store.claim(1000.0, 9, "here")
    assert gone is not None
    store.finish(gone.id, 1, JobState.FAILED, 1001.0, {}, "no")
    store.submit(order("runs", request={"data": 1}), 1000.0)
    assert store.claim(1000.0, 9, "here")
    store.submit(order("waits", request={"data": 2}), 1000.0)

    assert sorted(store.waiting_requests()) == [("runs", {"data": 1}), ("waits", {"data": 2})]


def test_a_list_may_leave_out_what_is_long(store: JobStore) -> None:
    store.submit(order("m", request={"long": "x" * 1000}), 1000.0)

    (whole,), (brief,) = store.find("m"), store.find("m", is_brief=True)

    assert whole.request
    assert (brief.id, brief.state, dict(brief.request)) == (whole.id, whole.state, {})
