"""The reloader, stepped by hand: what the database says is what the pool answers."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.base.database import open_database
from service.base.errors import ModelNotFound, ModelNotReady, RuntimeLost
from service.repository.states import Loading, State, VersionRow, WorkerRecord
from service.repository.store import VersionStore
from service.repository.workers import WorkerName
from service.web.reloader import Reloader
from tests.web.worlds import World, ready

LOST = RuntimeLost("it isn't running yet")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_before_the_first_scan_every_model_is_pending(world: World) -> None:
    world.reloader.step(0.0)
    assert world.pool.is_pending("m")
    assert not world.reloader.readiness.is_ready
    with pytest.raises(ModelNotReady), world.pool.lease("m"):
        pass


def test_a_served_version_is_loaded_once(world: World) -> None:
    world.say(ready(1))
    world.reloader.step(1.0)
    assert len(world.loads) == 1
    assert world.reloader.readiness.is_ready
    with world.pool.lease("m") as slot:
        assert slot.version == 1


def test_the_pointer_moves_and_the_old_version_drains(world: World) -> None:
    world.say(ready(1))
    with world.pool.lease("m"):
        world.say(ready(1, served=False), ready(2, "b"))
        with world.pool.lease("m") as slot:
            assert slot.version == 2
        assert not world.loads[0].is_closed
    assert world.loads[0].is_closed
    assert not world.loads[1].is_closed


def test_a_version_that_cannot_be_loaded_leaves_its_predecessor(world: World) -> None:
    world.say(ready(1))
    world.error = RuntimeError("can't")
    world.say(ready(1, served=False), ready(2, "b"), now=10.0)
    with world.pool.lease("m") as slot:
        assert slot.version == 1
    assert world.reloader.readiness.is_ready
    assert world.reloader.readiness.waits_for == ("m",)
    world.error = None
    world.reloader.step(10.5)  # too early: it waits a second before it tries again
    assert len(world.loads) == 1
    world.reloader.step(11.5)
    assert not world.reloader.readiness.waits_for
    with world.pool.lease("m") as slot:
        assert slot.version == 2


def test_a_failure_that_may_pass_is_waited_for_and_told_in_the_end(world: World) -> None:
    world.error = LOST
    world.say(ready(1))
    assert world.reloader.is_retrying("m")
    with pytest.raises(ModelNotReady, match="it isn't running yet"), world.pool.lease("m"):
        pass
    world.error = None
    world.reloader.step(1.5)
    assert not world.reloader.is_retrying("m")
    with world.pool.lease("m") as slot:
        assert slot.version == 1


def test_any_other_failure_is_told_at_once(world: World) -> None:
    world.error = RuntimeError("secret")
    world.say(ready(1))
    assert not world.reloader.is_retrying("m")
    assert not world.pool.is_pending("m")
    with pytest.raises(ModelNotReady, match="RuntimeError"), world.pool.lease("m"):
        pass


def test_what_is_added_later_does_not_take_readiness_away(world: World) -> None:
    world.say(VersionRow("n", 1, State.COMPILING))
    assert not world.reloader.readiness.is_ready
    world.say(ready(1), VersionRow("n", 1, State.FAILED))
    assert world.reloader.readiness.is_ready
    world.say(ready(1), VersionRow("n", 2, State.COMPILING))
    assert world.reloader.readiness.is_ready
    assert world.reloader.readiness.waits_for == ("n",)


def test_a_model_that_is_gone_is_not_found(world: World) -> None:
    world.say(ready(1))
    world.say(VersionRow("m", 1, State.RETIRED))
    assert world.loads[0].is_closed
    with pytest.raises(ModelNotFound), world.pool.lease("m"):
        pass


def test_a_ticket_is_honoured_by_a_look_that_begins_later(world: World) -> None:
    world.store.replace([])
    ticket = world.reloader.look_soon()
    assert not world.reloader.has_looked(ticket)
    world.reloader.start()
    try:
        while not world.reloader.has_looked(ticket):
            pass
    finally:
        world.reloader.close()
    assert world.reloader.readiness.is_ready
    assert world.store.workers() == [], "a worker that ends is not waited for"


class FirstScanMeanwhile(VersionStore):
    """The controller's first rows arrive between this worker's first two looks at the database."""

    looks = 0

    def _look(self) -> None:
        self.looks += 1
        if self.looks == 2:
            self.replace([VersionRow("m", 1, State.COMPILING)])

    def rows(self) -> list[VersionRow]:
        self._look()
        return super().rows()

    def was_scanned(self) -> bool:
        self._look()
        return super().was_scanned()


def test_a_first_scan_between_two_looks_is_no_empty_repository(tmp_path: Path) -> None:
    world = World(tmp_path)
    store = FirstScanMeanwhile(open_database(f"sqlite:///{tmp_path}/db.sqlite"), "repository")
    reloader = Reloader(store, world.pool, world.load)

    reloader.step(0.0)
    reloader.step(1.0)

    assert not reloader.readiness.is_ready
    assert "m" in reloader.readiness.waits_for


class TestWishes:
    def test_an_unloaded_model_is_as_if_it_were_not_there(self, world: World) -> None:
        world.say(ready(1))
        world.store.wish("m", is_unloaded=True)
        world.reloader.step(1.0)
        assert world.loads[0].is_closed
        assert not world.pool.is_pending("m")
        with pytest.raises(ModelNotFound), world.pool.lease("m"):
            pass
        (row,) = world.reloader.rows
        assert (row.served, row.reason) == (False, "unloaded")

    def test_no_version_of_it_is_waited_for(self, world: World) -> None:
        world.store.wish("m", is_unloaded=True)
        world.say(VersionRow("m", 1, State.COMPILING))
        assert world.reloader.readiness.is_ready
        assert not world.pool.is_pending("m")

    def test_it_is_loaded_without_a_controller(self, world: World) -> None:
        world.store.wish("m", is_unloaded=True)
        world.say(ready(1))
        world.store.wish("m", is_unloaded=False)
        world.reloader.step(1.0)
        with world.pool.lease("m") as slot:
            assert slot.version == 1

    def test_what_is_asked_for_anew_is_tried_again_at_once(self, world: World) -> None:
        world.error = RuntimeError("can't")
        world.say(ready(1))
        world.error = None
        world.reloader.step(0.1)
        assert not world.pool.has("m")
        world.store.wish("m", is_unloaded=False)
        world.reloader.step(0.2)
        assert world.pool.has("m")


class TestReports:
    def test_a_worker_tells_what_it_holds_and_what_it_has_seen(self, world: World) -> None:
        world.say(ready(1))
        ticket = world.store.wish("m", is_unloaded=False)
        world.error = LOST
        world.say(ready(2, "b"), now=1.0)
        (record,) = world.store.workers()
        assert record.worker == str(WorkerName.of(os.getpid()))
        assert record.seen == {"m": ticket}
        assert [(held.version, held.loading) for held in record.held] == [
            (1, Loading.LOADED),
            (2, Loading.RETRYING),
        ]
        assert "it isn't running yet" in record.held[1].reason

    def test_a_worker_is_known_before_it_looks(self, world: World) -> None:
        seen_before_the_load: list[WorkerRecord] = []

        def load(row: VersionRow) -> None:
            seen_before_the_load.extend(world.store.workers())
            raise LOST

        world.store.replace([ready(1)])
        Reloader(world.store, world.pool, load).step(0.0)  # type: ignore[arg-type]

        assert [(record.held, record.seen) for record in seen_before_the_load] == [((), {})]

    def test_a_worker_that_cannot_report_serves(self, world: World) -> None:
        class ReadOnly(VersionStore):
            def report(self, record: WorkerRecord) -> None:
                raise sa.exc.OperationalError("INSERT", {}, Exception("readonly database"))

        world.store.replace([ready(1)])
        engine = open_database(str(world.store._engine.url))
        reloader = Reloader(ReadOnly(engine, "repository"), world.pool, world.load)
        reloader.step(0.0)
        assert world.pool.has("m")
        assert reloader.readiness.is_ready


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
