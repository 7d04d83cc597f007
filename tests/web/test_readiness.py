"""When a worker says that it is ready."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from service.base.errors import RuntimeLost
from service.repository.states import State, VersionRow, WorkerRecord
from service.repository.workers import WorkerName
from tests.web.worlds import TWO, World, ready

LOST = RuntimeLost("it isn't running yet")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_what_is_added_later_does_not_take_readiness_away(world: World) -> None:
    world.say(VersionRow("n", 1, State.COMPILING))
    assert not world.reloader.readiness.is_ready
    world.say(ready(1), VersionRow("n", 1, State.FAILED))
    assert world.reloader.readiness.is_ready
    world.say(ready(1), VersionRow("n", 2, State.COMPILING))
    assert world.reloader.readiness.is_ready
    assert world.reloader.readiness.waits_for == ("n",)


def test_a_current_version_that_cannot_be_loaded_is_waited_for(world: World) -> None:
    world.error = LOST
    world.say(ready(1))
    assert world.reloader.readiness.waits_for == ("m",)
    assert not world.reloader.readiness.is_ready


def test_another_version_that_cannot_be_loaded_is_not(world: World) -> None:
    """A worker that is started anew serves what it can."""
    world.route(current=1)
    world.errors = {2: RuntimeError("can't")}
    world.say(ready(1, config=TWO), ready(2, config=TWO))
    assert world.reloader.readiness.is_ready


class TestSiblings:
    """Two workers on one socket; the second one's name is that of a process that lives."""

    @pytest.fixture
    def pair(self, tmp_path: Path) -> tuple[World, World]:
        second = WorkerName.of(os.getppid())
        return World(tmp_path, siblings=2), World(tmp_path, second, siblings=2)

    def test_none_is_ready_before_all_have_started(self, pair: tuple[World, World]) -> None:
        first, second = pair
        first.say(ready(1))
        assert first.reloader.readiness.waits_for == ("workers yet to start: 1",)
        second.reloader.step(0.0)
        first.reloader.step(0.4)
        assert first.reloader.readiness.is_ready
        assert second.reloader.readiness.is_ready

    def test_none_is_ready_before_all_have_loaded(self, pair: tuple[World, World]) -> None:
        first, second = pair
        second.error = LOST
        second.say(ready(1))
        first.reloader.step(0.0)
        (waits_for,) = first.reloader.readiness.waits_for
        assert waits_for.startswith(f"m in worker {os.getppid()} on ")
        assert not first.reloader.readiness.is_ready
        second.error = None
        second.reloader.step(1.5)
        first.reloader.step(1.5)
        assert first.reloader.readiness.is_ready

    def test_a_failure_beside_the_current_version_is_no_reason_to_wait(
        self, pair: tuple[World, World]
    ) -> None:
        first, second = pair
        second.route(current=1)
        second.errors = {2: RuntimeError("can't")}
        second.say(ready(1, config=TWO), ready(2, config=TWO))
        first.reloader.step(0.0)
        assert first.reloader.readiness.is_ready

    def test_one_that_was_killed_takes_no_readiness_away(self, pair: tuple[World, World]) -> None:
        first, second = pair
        second.say(ready(1))
        first.reloader.step(0.0)
        second.reloader.close()
        first.reloader.step(0.4)
        first.say(ready(2, "b"), now=0.8)
        assert first.reloader.readiness.is_ready

    def test_workers_elsewhere_and_the_dead_are_not_waited_for(self, world: World) -> None:
        mine = WorkerName.of(os.getpid())
        world.store.report(WorkerRecord(str(replace(mine, start="1"))))
        world.store.report(WorkerRecord(str(replace(mine, place="other/1")), beat=1e12))
        world.say(ready(1))
        assert world.reloader.readiness.is_ready
        assert len(world.store.workers()) == 2, "the dead one is removed"
