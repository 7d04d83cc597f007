"""The job table, on every database: queued, claimed, fenced, ended, forgotten."""

from collections.abc import Callable

import numpy as np
import pytest
import sqlalchemy as sa

from service.base.errors import Overloaded
from service.base.http_errors import Conflict
from service.base.job_errors import JobNotFound, Superseded
from service.jobs.job import JobState, Kind
from service.jobs.store import JobStore
from service.jobs.store_queue import MOST_WAITING
from tests.jobs.orders import ORDER, begun, order


def test_a_job_comes_back_as_it_was_asked(store: JobStore) -> None:
    job = store.submit(order(priority=3, trigger="cli"), 1000.5)

    assert store.get(job.id) == job
    assert (job.kind, job.model, job.request) == (Kind.RETRAIN, "digits", {"fit": {"epochs": 3}})
    assert (job.state, job.attempt, job.priority) == (JobState.QUEUED, 0, 3)
    assert (job.by, job.trigger, job.created_at) == ("ada", "cli", 1000.5)


def test_what_is_not_there_is_not_found(store: JobStore, engine: sa.Engine) -> None:
    job = store.submit(ORDER, 1.0)

    with pytest.raises(JobNotFound, match="Job not found: nothing"):
        store.get("nothing")
    with pytest.raises(JobNotFound):  # another repository's
        JobStore(engine, "/other").get(job.id)


def test_the_same_key_is_the_same_job_and_never_another_one(store: JobStore) -> None:
    first = store.submit(order(key="k1"), 1.0)

    assert store.submit(order(key="k1"), 2.0) == first
    assert store.submit(order(key="k2"), 2.0).id != first.id
    assert store.submit(ORDER, 3.0).id != store.submit(ORDER, 3.0).id
    with pytest.raises(Conflict, match=first.id):
        store.submit(order(key="k1", request={"fit": {"epochs": 4}}), 2.0)
    with pytest.raises(Conflict):
        store.submit(order("iris", key="k1"), 2.0)


def test_a_key_is_held_against_what_was_sent_and_not_against_defaults(store: JobStore) -> None:
    sent = {"fit": {"epochs": 3}, "promote": "never"}
    first = store.submit(order(key="k", request={**sent, "priority": 1}, sent=sent), 1.0)

    turned = dict(reversed(sent.items()))
    again = store.submit(order(key="k", request={**sent, "priority": 2}, sent=turned), 2.0)

    assert again == first
    with pytest.raises(Conflict):
        store.submit(order(key="k", request={**sent, "priority": 1}, sent={}), 3.0)


def test_so_many_of_a_model_wait_and_no_more(store: JobStore) -> None:
    first = store.submit(order(key="k"), 1.0)
    for _ in range(MOST_WAITING - 1):
        store.submit(ORDER, 1.0)

    with pytest.raises(Overloaded, match="a job of model digits"):
        store.submit(ORDER, 2.0)
    assert store.submit(order(key="k"), 2.0) == first
    store.submit(order("iris"), 2.0)
    store.ask_cancel(first.id, 2.0)
    store.submit(ORDER, 2.0)


def test_jobs_are_found_newest_first_and_page_by_page(store: JobStore) -> None:
    ids = [store.submit(order("ab"[n % 2]), float(n)).id for n in range(5)]

    assert [job.id for job in store.find()] == ids[::-1]
    assert [job.id for job in store.find(model="a", limit=2)] == [ids[4], ids[2]]
    assert [job.id for job in store.find(model="a", limit=2, before=ids[2])] == [ids[0]]
    assert store.find(state=JobState.RUNNING) == []
    assert store.find(kind=Kind.EVALUATE) == []


def test_the_next_is_that_of_the_highest_priority_then_the_oldest(store: JobStore) -> None:
    for at, (model, priority) in enumerate([("a", 0), ("b", 5), ("c", 5), ("d", -1)]):
        store.submit(order(model, priority=priority), float(at))

    claimed = [store.claim(10.0, at_once=9) for _ in range(5)]

    assert [job and job.model for job in claimed] == ["b", "c", "a", "d", None]


def test_a_claim_begins_the_next_attempt(store: JobStore) -> None:
    store.submit(ORDER, 5.0)

    job = store.claim(7.0, 1, "here")

    assert job is not None
    assert (job.state, job.attempt, job.owner) == (JobState.RUNNING, 1, "here")
    assert (job.started_at, job.begun_at, job.heartbeat_at) == (7.0, 7.0, 7.0)
    assert store.active() == [job] == [store.get(job.id)]


def test_so_many_run_at_once_and_one_retrain_for_a_model(store: JobStore) -> None:
    for model, kind in [
        ("a", Kind.RETRAIN), ("a", Kind.RETRAIN), ("a", Kind.EVALUATE), ("b", Kind.RETRAIN)
    ]:  # fmt: skip
        store.submit(order(model, kind=kind), 1.0)

    claimed = [store.claim(2.0, at_once=3) for _ in range(4)]

    kinds = sorted((job.model, job.kind.value) for job in claimed if job)
    assert kinds == [("a", "evaluate"), ("a", "retrain"), ("b", "retrain")]
    first = next(job for job in claimed if job and job.kind is Kind.RETRAIN and job.model == "a")
    store.finish(first.id, 1, JobState.GATED, 3.0, {})
    following = store.claim(4.0, at_once=3)
    assert following is not None
    assert (following.model, following.kind) == ("a", Kind.RETRAIN)


def test_repositories_in_one_database_don_t_wait_for_each_other(
    store: JobStore, engine: sa.Engine
) -> None:
    begun(store)
    other = JobStore(engine, "/other")
    other.submit(ORDER, 1.0)

    assert other.claim(2.0, at_once=1) is not None
    assert store.claim(2.0, at_once=1) is None


def test_an_attempt_that_came_to_nothing_is_begun_again_when_its_time_has_come(
    store: JobStore,
) -> None:
    job = begun(store)

    waiting = store.give_up(job.id, 1, 1010.0, "killed", retry_at=1020.0)

    assert (waiting.state, waiting.failures, waiting.error) == (JobState.QUEUED, 1, "killed")
    assert store.claim(1019.0, 1) is None
    again = store.claim(1020.0, 1)
    assert again is not None
    assert (again.attempt, again.error, again.retry_at) == (2, "", None)
    assert (again.started_at, again.begun_at) == (1000.0, 1020.0)
    failed = store.give_up(job.id, 2, 1030.0, "killed again", retry_at=None)
    assert (failed.state, failed.ended_at, failed.error) == (
        JobState.FAILED, 1030.0, "killed again",
    )  # fmt: skip


def test_what_is_saved_gives_all_attempts_again(store: JobStore) -> None:
    job = begun(store)
    store.give_up(job.id, 1, 1001.0, "killed", retry_at=1001.0)
    store.claim(1002.0, 1)

    store.saved(job.id, 2)

    assert store.get(job.id).failures == 0


def test_a_job_put_back_loses_no_attempt(store: JobStore) -> None:
    job = begun(store)

    waiting = store.put_back(job.id, 1, 1001.0, "the controller was ended")

    assert (waiting.state, waiting.failures) == (JobState.QUEUED, 0)
    assert store.claim(1001.0, 1) is not None


WRITES: dict[str, Callable[[JobStore, str, int], object]] = {
    "beat": lambda store, job, attempt: store.beat(job, attempt, 9.0, {"epoch": 9}),
    "saved": lambda store, job, attempt: store.saved(job, attempt),
    "advance": lambda store, job, attempt: store.advance(job, attempt, JobState.EVALUATING, 9.0),
    "finish": lambda store, job, attempt: store.finish(job, attempt, JobState.GATED, 9.0, {}),
    "give_up": lambda store, job, attempt: store.give_up(job, attempt, 9.0, "", None),
    "put_back": lambda store, job, attempt: store.put_back(job, attempt, 9.0, ""),
    "add_event": lambda store, job, attempt: store.add_event(job, attempt, "epoch", {}, 9.0),
}


@pytest.mark.parametrize("name", sorted(WRITES))
def test_only_the_latest_attempt_of_a_job_that_runs_may_write(store: JobStore, name: str) -> None:
    job = begun(store)
    store.give_up(job.id, 1, 1001.0, "silent", retry_at=1001.0)
    store.claim(1002.0, 1)
    ended = begun(store, model="iris")
    store.finish(ended.id, 1, JobState.PUBLISHED, 1001.0, {"version": 2})
    before = store.find(), store.events(job.id), store.events(ended.id)

    with pytest.raises(Superseded, match="attempt 1"):
        WRITES[name](store, job.id, 1)
    with pytest.raises(Superseded):
        WRITES[name](store, ended.id, 1)

    assert (store.find(), store.events(job.id), store.events(ended.id)) == before
    WRITES[name](store, job.id, 2)  # the one that runs may


def test_an_attempt_given_up_by_a_clock_that_was_ahead_waits_no_longer_than_others(
    store: JobStore,
) -> None:
    job = begun(store)

    store.give_up(job.id, 1, 87_400.0, "killed", retry_at=88_000.0)

    assert store.claim(1001.0, 1) is not None


def test_events_are_numbered_without_gaps_and_read_from_where_one_was(store: JobStore) -> None:
    job = begun(store)
    number = store.add_event(job.id, 1, "epoch", {"loss": np.float32(0.5), "at": np.nan}, 1001.0)
    store.advance(job.id, 1, JobState.EVALUATING, 1002.0)
    store.finish(job.id, 1, JobState.PUBLISHED, 1003.0, {"version": 4})

    events = store.events(job.id)

    assert [event.number for event in events] == [1, 2, 3, 4, 5]
    assert [event.body.get("state") for event in events] == [
        "QUEUED", "RUNNING", None, "EVALUATING", "PUBLISHED",
    ]  # fmt: skip
    assert (number, events[2].body) == (3, {"loss": 0.5, "at": None})
    assert store.events(job.id, after=3) == events[3:]
    assert store.events(job.id, after=1, limit=1) == events[1:2]
    assert store.events("nothing") == []


def test_progress_and_result_are_kept_whatever_numbers_are_in_them(store: JobStore) -> None:
    job = begun(store)

    store.beat(job.id, 1, 1001.0, {"epoch": np.int64(2), "loss": float("inf"), "by": {3: "x\0"}})
    ended = store.finish(job.id, 1, JobState.FAILED, 1002.0, {"v": 1}, "quoted \0 \ud800")

    assert ended.progress == {"epoch": 2, "loss": None, "by": {"3": "x\0"}}
    assert (ended.result, ended.error) == ({"v": 1}, "quoted \\x00 \\ud800")


def test_what_has_ended_is_counted_and_counts_outlive_the_jobs(store: JobStore) -> None:
    for seconds, state in [(5.0, JobState.PUBLISHED), (40.0, JobState.PUBLISHED)]:
        job = begun(store)
        store.finish(job.id, 1, state, 1000.0 + seconds, {})
    never_begun = store.submit(ORDER, 1.0)
    store.ask_cancel(never_begun.id, 2.0)
    for id_ in store.untold():
        store.mark_told(id_)
    assert len(store.prune(before=5000.0)) == 3

    counts = {count.state: count for count in store.counts()}

    published = counts[JobState.PUBLISHED]
    assert (published.jobs, published.seconds, published.last_at) == (2, 45.0, 1040.0)
    assert (published.model, published.kind, published.trigger) == (
        "digits", Kind.RETRAIN, "api",
    )  # fmt: skip
    assert (counts[JobState.CANCELLED].jobs, counts[JobState.CANCELLED].seconds) == (1, 0.0)
    assert [one.buckets[:4] for one in store.durations()] == [(1, 0, 1, 0)]


def test_only_what_ended_long_ago_and_was_told_is_forgotten(store: JobStore) -> None:
    old, recent, untold = (begun(store, model=model) for model in "abc")
    running = begun(store, model="d")
    for job, at in [(old, 1001.0), (recent, 3000.0), (untold, 1001.0)]:
        store.finish(job.id, 1, JobState.FAILED, at, {}, "no")
    assert list(store.untold()) == sorted([old.id, recent.id, untold.id])
    for job in (old, recent):
        store.mark_told(job.id)

    gone = store.prune(before=2000.0)

    assert gone == [old.id]
    assert store.ids() == {recent.id, untold.id, running.id}
    assert store.events(old.id) == []
    assert store.untold() == {untold.id: "c"}


def test_ids_sort_by_time(store: JobStore) -> None:
    ids = [store.submit(order(), at).id for at in (1.0, 1.5, 2.0, 1e9, 1.7e9)]

    assert ids == sorted(ids)
