"""An attempt shows that it lives, and stops as soon as it is cancelled or another one has begun."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.base.errors import DatabaseAway
from service.base.job_errors import Cancelled, Superseded
from service.jobs.attempt import PATIENCE_S, Attempt
from service.jobs.job import Job, JobState
from service.jobs.store import JobStore
from tests.jobs.orders import begun


class Clock:
    """A clock that is set, and moves on when somebody pauses."""

    def __init__(self) -> None:
        self.now = 2000.0
        self.pauses = 0

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.pauses += 1
        self.now += seconds


class AwayStore(JobStore):
    """A job table whose database is away for so many questions."""

    away = 0

    def beat(self, *arguments: object) -> bool:
        if self.away > 0:
            self.away -= 1
            raise sa.exc.OperationalError("UPDATE", {}, Exception("away"))
        return super().beat(*arguments)  # type: ignore[arg-type]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def job(store: JobStore) -> Job:
    return begun(store)


@pytest.fixture
def attempt(store: JobStore, job: Job, tmp_path: Path, clock: Clock) -> Iterator[Attempt]:
    made = Attempt(store, job, tmp_path, clock, pause=clock.pause)
    yield made
    made.close()


def test_it_tells_its_progress_with_the_next_beat_only(
    store: JobStore, job: Job, attempt: Attempt
) -> None:
    attempt.progress(epoch=1, loss=0.5)
    attempt.progress(loss=0.25)
    assert store.get(job.id).progress == {}

    attempt.beat()

    found = store.get(job.id)
    assert (found.heartbeat_at, found.progress) == (2000.0, {"epoch": 1, "loss": 0.25})


def test_a_later_attempt_adds_to_the_progress_of_those_before(
    store: JobStore, job: Job, attempt: Attempt, tmp_path: Path
) -> None:
    attempt.progress(epoch=3, epochs=9)
    attempt.beat()
    store.give_up(job.id, 1, 2001.0, "killed", retry_at=2001.0)
    again = store.claim(2002.0, 1)
    assert again is not None

    later = Attempt(store, again, tmp_path)
    later.progress(epoch=4)
    later.beat()

    assert store.get(job.id).progress == {"epoch": 4, "epochs": 9}


def test_a_check_raises_once_the_job_is_to_be_cancelled(
    store: JobStore, job: Job, attempt: Attempt
) -> None:
    attempt.check()
    assert not attempt.is_stopped
    store.ask_cancel(job.id, 2001.0)

    with pytest.raises(Cancelled):
        attempt.check()

    assert attempt.is_stopped
    attempt.finish(JobState.CANCELLED, {})
    assert store.get(job.id).state is JobState.CANCELLED


def test_a_check_raises_once_another_attempt_has_begun(
    store: JobStore, job: Job, attempt: Attempt
) -> None:
    store.give_up(job.id, 1, 2001.0, "silent", retry_at=2001.0)
    store.claim(2002.0, 1)

    with pytest.raises(Superseded):
        attempt.check()

    assert attempt.is_stopped
    for write in (attempt.saved, lambda: attempt.event("epoch")):
        with pytest.raises(Superseded):
            write()


def test_its_end_comes_with_its_last_progress(store: JobStore, job: Job, attempt: Attempt) -> None:
    attempt.advance(JobState.EVALUATING)
    attempt.progress(epoch=9)

    attempt.finish(JobState.GATED, {"reason": "worse"})

    ended = store.get(job.id)
    assert (ended.state, ended.progress, ended.result) == (
        JobState.GATED, {"epoch": 9}, {"reason": "worse"},
    )  # fmt: skip


def test_it_waits_for_a_database_that_is_away(
    engine: sa.Engine, job: Job, tmp_path: Path, clock: Clock
) -> None:
    store = AwayStore(engine, "/models")
    store.away = 3
    attempt = Attempt(store, job, tmp_path, clock, pause=clock.pause)
    attempt.progress(epoch=1)

    attempt.check()

    assert clock.pauses == 3
    assert store.get(job.id).progress == {"epoch": 1}  # not lost by the beats that failed


def test_it_ends_when_the_database_does_not_come_back(
    engine: sa.Engine, job: Job, tmp_path: Path, clock: Clock
) -> None:
    store = AwayStore(engine, "/models")
    store.away = 10**6
    attempt = Attempt(store, job, tmp_path, clock, pause=clock.pause)

    with pytest.raises(DatabaseAway):
        attempt.check()

    assert clock.pauses == PATIENCE_S


def test_it_beats_in_a_thread_of_its_own(store: JobStore, job: Job, tmp_path: Path) -> None:
    store.ask_cancel(job.id, 2000.0)
    beaten = threading.Event()

    class Told(JobStore):
        def beat(self, *arguments: object) -> bool:
            try:
                return super().beat(*arguments)  # type: ignore[arg-type]
            finally:
                beaten.set()

    with Attempt(Told(store._engine, "/models"), job, tmp_path, lease_s=0.05) as attempt:
        assert beaten.wait(30)
        attempt.close()
        assert attempt.is_stopped


def test_progress_is_told_within_moments_however_long_the_lease(
    store: JobStore, job: Job, tmp_path: Path
) -> None:
    told = threading.Event()

    class Told(JobStore):
        def beat(self, *arguments: object) -> bool:
            try:
                return super().beat(*arguments)  # type: ignore[arg-type]
            finally:
                told.set()

    with Attempt(Told(store._engine, "/models"), job, tmp_path, lease_s=3600) as attempt:
        attempt.progress(epoch=1)
        assert told.wait(30)

    assert store.get(job.id).progress == {"epoch": 1}
