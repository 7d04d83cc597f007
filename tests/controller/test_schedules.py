"""Retrains by schedule: at their times, each once, whoever is started again meanwhile."""

import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service.base.database import open_database
from service.controller.schedules import Plan, Schedules
from service.jobs.job import Job, JobState
from service.jobs.store import JobStore
from service.jobs.store_queue import MOST_WAITING
from tests.databases import migrate
from tests.jobs.orders import order

MIDNIGHT = datetime(2026, 11, 26, tzinfo=UTC).timestamp()
HOUR = 3600.0
REQUEST = {"data": {"file": "new.csv"}, "priority": 7}


class World:
    def __init__(self, folder: Path) -> None:
        self.engine = open_database(f"sqlite:///{folder}/jobs.sqlite")
        migrate(self.engine)
        self.store = JobStore(self.engine, "/models")
        self.plans: list[Plan] = []
        self.now = MIDNIGHT
        self.schedules = self.started_again()

    def started_again(self) -> Schedules:
        return Schedules(self.store, lambda: self.plans, lambda: self.now)

    def plan(self, cron: str, model: str = "digits", **fields: Any) -> None:
        self.plans.append(Plan(model, cron, lambda: REQUEST, **fields))

    def at(self, hours: float) -> list[str]:
        """The times of day of all jobs there are once it is so late."""
        self.now = MIDNIGHT + hours * HOUR
        self.schedules.step(0.0)
        return [f"{datetime.fromtimestamp(job.created_at, UTC):%H:%M}" for job in self.jobs()]

    def jobs(self) -> list[Job]:
        return self.store.find()[::-1]

    def end_all(self) -> None:
        for job in self.store.find(state=JobState.QUEUED):
            self.store.ask_cancel(job.id, self.now)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.engine.dispose()


def test_a_retrain_is_asked_for_at_its_time(world: World) -> None:
    world.plan("0 3 * * *")

    assert world.at(2.99) == []
    assert world.at(3.01) == ["03:00"]
    world.end_all()
    assert world.at(26.9) == ["03:00"]
    assert world.at(27.0) == ["03:00", "03:00"]

    job = world.jobs()[0]
    assert (job.trigger, job.by, job.request, job.priority) == (
        "schedule", "controller", REQUEST, 7,
    )  # fmt: skip


def test_each_time_is_asked_for_once_by_however_many_controllers(world: World) -> None:
    world.plan("*/30 * * * *")
    others = [world.started_again() for _ in range(3)]

    world.at(0.55)
    world.end_all()
    for other in (*others, world.started_again()):
        other.step(0.0)

    assert len(world.jobs()) == 1


def test_a_time_that_nobody_was_there_for_is_made_up_for_within_the_hour(world: World) -> None:
    world.plan("0 3 * * *", "a")
    world.plan("*/20 * * * *", "b")
    world.plan("30 1 * * *", "c")  # too long ago

    world.at(3.5)

    assert sorted(job.model for job in world.jobs()) == ["a", "b"]


def test_a_time_before_the_schedule_was_written_was_not_missed(world: World) -> None:
    world.plan("0 3 * * *", since=MIDNIGHT + 3.4 * HOUR)

    assert world.at(3.5) == []


def test_another_one_is_not_asked_for_while_one_has_not_ended(world: World) -> None:
    world.plan("0 * * * *")

    assert world.at(1.0) == ["01:00"]
    assert world.at(2.0) == ["01:00"]
    claimed = world.store.claim(world.now, 1)
    assert claimed is not None
    assert world.at(3.0) == ["01:00"]
    world.store.finish(claimed.id, 1, JobState.GATED, world.now, {})

    assert world.at(4.0) == ["01:00", "04:00"]


def test_a_clock_that_was_far_ahead_does_not_silence_the_schedule(world: World) -> None:
    world.plan("0 * * * *")
    world.at(5000.5)
    world.end_all()
    jobs = len(world.jobs())

    world.at(0.5)
    world.end_all()
    world.at(1.0)

    assert len(world.jobs()) > jobs


def test_a_clock_that_leaps_asks_for_the_last_hour_only(world: World) -> None:
    world.plan("* * * * *")
    world.at(0.5)
    world.end_all()
    began = time.perf_counter()

    world.at(24 * 365 * 20)  # ten million times that were due

    assert time.perf_counter() - began < 5
    assert len(world.jobs()) == 2


def test_a_full_queue_is_told_and_the_schedule_goes_on(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(MOST_WAITING):
        world.store.submit(order("full"), world.now)
    world.plan("0 3 * * *", "full")
    world.plan("0 3 * * *", "sound")

    with caplog.at_level(logging.WARNING):
        world.at(3.0)

    assert world.jobs()[-1].model == "sound"
    assert caplog.messages == ["a retrain by schedule can't be asked for"]


def test_a_schedule_that_is_changed_holds_from_then_on(world: World) -> None:
    world.plan("0 3 * * *")
    world.at(1.0)

    world.plans.clear()
    world.plan("30 2 * * *", since=MIDNIGHT + 1.5 * HOUR)

    assert world.at(2.5) == ["02:30"]
    world.end_all()
    assert world.at(3.5) == ["02:30"]


@pytest.mark.parametrize("cron", ["0 99 * * *", "0 0 30 2 *"])
def test_a_line_that_names_no_time_is_told_once(
    world: World, cron: str, caplog: pytest.LogCaptureFixture
) -> None:
    world.plan(cron)
    world.plan("0 3 * * *", "sound")

    with caplog.at_level(logging.WARNING):
        for hour in range(5):
            world.at(hour)

    assert [record.message for record in caplog.records] == ["schedule names no time"]
    assert [job.model for job in world.jobs()] == ["sound"]


def test_what_can_t_be_asked_for_is_told_and_others_go_on(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse() -> dict[str, Any]:
        raise ValueError("data: is missing")

    world.plans.append(Plan("broken", "0 3 * * *", refuse))
    world.plan("0 3 * * *", "sound")

    with caplog.at_level(logging.WARNING):
        world.at(3.0)

    assert [job.model for job in world.jobs()] == ["sound"]
    assert "a retrain by schedule can't be asked for" in caplog.messages
