"""Whoever wants to hear of ended jobs does, at once or later; nobody waits for it."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from service.base.database import open_database
from service.controller.webhook import BACKOFF_S, Webhook
from service.jobs.job import Job, JobState
from service.jobs.store import JobStore
from tests.controller.dripping import dripping
from tests.controller.receiver import Receiver
from tests.databases import migrate
from tests.jobs.orders import begun
from tests.running import wait_until


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    engine = open_database(f"sqlite:///{tmp_path}/jobs.sqlite")
    migrate(engine)
    yield JobStore(engine, "/models")
    engine.dispose()


def ended(store: JobStore, model: str = "digits") -> Job:
    job = begun(store, model=model)
    return store.finish(job.id, 1, JobState.PUBLISHED, 1010.0, {"version": 2})


def turn(webhook: Webhook, now: float) -> None:
    """A step, and the end of the round that it has begun."""
    webhook.step(now)
    webhook.join(30)


def test_an_ended_job_is_told_once_with_what_came_of_it(
    store: JobStore, receiver: Receiver
) -> None:
    begun(store, model="still-runs")
    job = ended(store)
    webhook = Webhook(store, lambda _: [receiver.url])

    for now in range(5):
        turn(webhook, now)

    (told,) = receiver.told
    assert (told["id"], told["state"], told["result"]) == (job.id, "PUBLISHED", {"version": 2})
    assert told["ended_at"] == "1970-01-01T00:16:50.000Z"
    assert receiver.headers[0]["Content-Type"] == "application/json"
    assert receiver.headers[0]["Idempotency-Key"] == job.id
    assert store.untold() == {}


def test_a_job_that_nobody_wants_to_hear_of_is_noted_as_told(store: JobStore) -> None:
    ended(store)

    turn(Webhook(store, lambda _: []), 0.0)

    assert store.untold() == {}


@pytest.mark.parametrize("status", [302, 404, 500])
def test_what_fails_is_tried_again_later_each_time_and_given_up_in_the_end(
    store: JobStore, receiver: Receiver, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    ended(store)
    receiver.status = status
    webhook = Webhook(store, lambda _: [receiver.url])
    now, tries = 0.0, [1]

    with caplog.at_level(logging.INFO):
        turn(webhook, now)
        for wait in BACKOFF_S:
            turn(webhook, now + wait - 1)
            now += wait
            turn(webhook, now)
            tries.append(len(receiver.told))
        turn(webhook, now + 1)

    assert tries == list(range(1, len(BACKOFF_S) + 2))
    assert store.untold() == {}
    assert caplog.messages[-1] == "webhook given up"
    assert not any("secret" in str(vars(record)) for record in caplog.records)


def test_one_that_was_not_there_is_told_when_it_is_back(
    store: JobStore, receiver: Receiver
) -> None:
    ended(store)
    receiver.status = 503
    webhook = Webhook(store, lambda _: [receiver.url])
    turn(webhook, 0.0)

    receiver.status = 200
    turn(webhook, 2.0)
    turn(webhook, 3.0)

    assert len(receiver.told) == 2
    assert store.untold() == {}


def test_where_one_of_two_fails_the_other_is_told_once(store: JobStore, receiver: Receiver) -> None:
    ended(store)
    away = "http://127.0.0.1:9/"  # nothing listens on the port of discard
    webhook = Webhook(store, lambda _: [away, receiver.url])

    for now in (0.0, 2.0, 12.0):
        turn(webhook, now)

    assert len(receiver.told) == 1
    assert len(store.untold()) == 1


def test_a_next_controller_tells_what_the_last_one_could_not(
    store: JobStore, receiver: Receiver
) -> None:
    ended(store)
    receiver.status = 500
    turn(Webhook(store, lambda _: [receiver.url]), 0.0)

    receiver.status = 200
    turn(Webhook(store, lambda _: [receiver.url]), 0.0)

    assert len(receiver.told) == 2


def test_a_step_does_not_wait_for_who_is_slow(store: JobStore, receiver: Receiver) -> None:
    ended(store)
    receiver.may_answer.clear()
    webhook = Webhook(store, lambda _: [receiver.url])

    webhook.step(0.0)
    webhook.step(1.0)  # returns, though nobody has answered yet
    assert len(store.untold()) == 1
    receiver.may_answer.set()
    webhook.join(30)
    turn(webhook, 2.0)

    assert (len(receiver.told), store.untold()) == (1, {})


def test_whoever_drips_an_answer_keeps_nobody_else_waiting(
    store: JobStore, receiver: Receiver
) -> None:
    """Its jobs share one try: ten of them don't take ten times the deadline."""
    slow = [ended(store, "slow") for _ in range(10)]
    quick = ended(store, "quick")
    with dripping(b"H") as server:
        urls = {"slow": server.url, "quick": receiver.url}
        webhook = Webhook(store, lambda model: [urls[model]], deadline_s=1.0)

        webhook.step(0.0)
        wait_until(lambda: len(receiver.told) == 1, "the other one was told", 5)
        webhook.join(30)
        webhook.step(1.0)

    assert len(server.heard) == 1
    assert quick.id == receiver.told[0]["id"]
    assert set(store.untold()) == {job.id for job in slow}


def test_no_job_is_read_whole_before_it_is_told(
    store: JobStore, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ended(store)
    read: list[str] = []

    def noted(id_: str) -> Job:
        read.append(id_)
        return JobStore.get(store, id_)

    monkeypatch.setattr(store, "get", noted)
    receiver.status = 503
    webhook = Webhook(store, lambda _: [receiver.url])

    for now in (0.0, 1.0, 1.5, 2.0):
        turn(webhook, now)

    assert read == [job.id] * 2 == [told["id"] for told in receiver.told]


def test_without_a_database_nothing_is_told_and_no_try_is_lost(
    store: JobStore, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended(store)
    webhook = Webhook(store, lambda _: [receiver.url])

    def away(_: str) -> Job:
        raise OperationalError("SELECT", {}, Exception("away"))

    with monkeypatch.context() as broken:
        broken.setattr(store, "get", away)
        turn(webhook, 0.0)
    assert receiver.told == []
    turn(webhook, 0.0)

    assert len(receiver.told) == 1
