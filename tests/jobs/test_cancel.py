"""Jobs that are to be cancelled: at once, or as soon as they are looked at, and never missed."""

import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from service.base.job_errors import JobNotFound
from service.jobs.job import JobState
from service.jobs.store import JobStore
from tests.jobs.orders import ORDER, begun


def test_a_job_that_waits_is_cancelled_at_once_and_one_that_runs_is_told(store: JobStore) -> None:
    running = begun(store, model="iris")
    waiting = store.submit(ORDER, 1.0)

    cancelled = store.ask_cancel(waiting.id, 2.0)
    asked = store.ask_cancel(running.id, 3.0)

    assert (cancelled.state, cancelled.ended_at) == (JobState.CANCELLED, 2.0)
    assert (asked.state, asked.is_cancel_asked) == (JobState.RUNNING, True)
    assert store.beat(running.id, 1, 4.0) is True
    assert store.ask_cancel(cancelled.id, 5.0) == cancelled
    assert [e.kind for e in store.events(running.id)].count("cancel") == 1
    store.ask_cancel(running.id, 6.0)
    assert [e.kind for e in store.events(running.id)].count("cancel") == 1
    with pytest.raises(JobNotFound):
        store.ask_cancel("nothing", 1.0)


@pytest.mark.parametrize("name", ["put_back", "give_up"])
def test_a_job_that_is_to_be_cancelled_does_not_wait_for_another_attempt(
    store: JobStore, name: str
) -> None:
    job = begun(store)
    store.ask_cancel(job.id, 1001.0)

    if name == "put_back":
        ended = store.put_back(job.id, 1, 1002.0, "the controller was ended")
    else:
        ended = store.give_up(job.id, 1, 1002.0, "killed", retry_at=1003.0)

    assert (ended.state, ended.ended_at, ended.retry_at) == (JobState.CANCELLED, 1002.0, None)
    assert store.claim(1004.0, 1) is None
    assert [count.jobs for count in store.counts()] == [1]


@pytest.mark.parametrize("order", [("give up", "cancel"), ("cancel", "give up")])
def test_who_goes_back_into_the_queue_at_the_same_moment_is_cancelled_all_the_same(
    store: JobStore, engine: sa.Engine, order: tuple[str, str]
) -> None:
    job = begun(store)
    acts: dict[str, Callable[[], object]] = {
        "give up": lambda: store.give_up(job.id, 1, 1002.0, "killed", retry_at=1003.0),
        "cancel": lambda: store.ask_cancel(job.id, 1002.0),
    }
    second = threading.Thread(target=acts[order[1]])

    def begin_second(*_: object) -> None:
        if not second.ident:
            second.start()
            second.join(0.2)  # it has to wait for the first one's transaction

    sa.event.listen(engine, "commit", begin_second)
    acts[order[0]]()
    second.join()

    assert store.get(job.id).state is JobState.CANCELLED
