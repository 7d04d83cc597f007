"""The reloader, stepped by hand: what the database says is what the pool answers."""

import os
import time
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.base.database import open_database
from service.base.errors import ModelNotFound, ModelNotReady, RuntimeLost
from service.repository.route import Canary
from service.repository.states import Loading, State, VersionRow, WorkerRecord
from service.repository.store import VersionStore
from service.repository.workers import WorkerName
from service.runtime.directions import Directions, Split
from tests.web.worlds import TWO, World, ready

LOST = RuntimeLost("it isn't running yet")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


class TestLoading:
    def test_before_the_first_scan_every_model_is_pending(self, world: World) -> None:
        world.reloader.step(0.0)
        absent = world.pool.absence("m")
        assert absent is not None
        assert absent.is_coming
        assert not world.reloader.readiness.is_ready
        with pytest.raises(ModelNotReady):
            world.answers()

    def test_after_it_a_model_that_is_not_there_is_not_found(self, world: World) -> None:
        world.say()
        assert world.pool.absence("m") is None
        with pytest.raises(ModelNotFound):
            world.answers()

    def test_a_served_version_is_loaded_once(self, world: World) -> None:
        world.say(ready(1))
        world.reloader.step(1.0)
        assert len(world.loads) == 1
        assert world.reloader.readiness.is_ready
        assert world.answers() == 1

    def test_as_many_versions_as_the_policy_says(self, world: World) -> None:
        world.say(*[ready(version, config=TWO) for version in (1, 2, 3)])
        assert world.in_memory() == [("m", 2), ("m", 3)]
        assert world.answers() == 3
        assert world.answers(version=2) == 2
        with pytest.raises(ModelNotFound):
            world.answers(version=1)

    def test_the_pointer_moves_and_the_old_version_drains(self, world: World) -> None:
        world.say(ready(1))
        with world.pool.lease("m"):
            world.say(ready(1), ready(2, "b"))
            assert world.answers() == 2
            assert not world.loads[0].is_closed
        assert world.loads[0].is_closed
        assert not world.loads[1].is_closed

    def test_files_that_changed_are_loaded_beside_and_swapped(self, world: World) -> None:
        world.say(ready(1))
        with world.pool.lease("m"):
            world.say(ready(1, "changed"))
            with world.pool.lease("m") as slot:
                assert slot.served is world.loads[1]
            assert not world.loads[0].is_closed
        assert world.loads[0].is_closed

    def test_a_new_generation_is_loaded_anew(self, world: World) -> None:
        world.say(ready(1))
        world.route(generation=1)
        world.reloader.step(1.0)
        assert len(world.loads) == 2
        assert world.loads[0].is_closed
        assert world.in_memory() == [("m", 1)]

    def test_a_model_that_is_gone_is_not_found(self, world: World) -> None:
        world.say(ready(1))
        world.say(VersionRow("m", 1, State.RETIRED))
        assert world.loads[0].is_closed
        with pytest.raises(ModelNotFound):
            world.answers()

    def test_what_is_not_served_says_why(self, world: World) -> None:
        failed = VersionRow("m", 3, State.FAILED, "damaged")
        world.say(ready(1), VersionRow("m", 2, State.COMPILING), failed)
        assert world.answers() == 1
        with pytest.raises(ModelNotReady, match="version 2 is being compiled"):
            world.answers(version=2)
        with pytest.raises(ModelNotReady, match="version 3 failed: damaged"):
            world.answers(version=3)

    def test_a_ticket_is_honoured_by_a_look_that_begins_later(self, world: World) -> None:
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


class TestFailures:
    def test_a_version_that_cannot_be_loaded_leaves_its_predecessor(self, world: World) -> None:
        world.say(ready(1))
        world.error = RuntimeError("can't")
        world.say(ready(1), ready(2, "b"), now=10.0)
        assert world.answers() == 1
        assert world.reloader.readiness.is_ready
        assert world.reloader.readiness.waits_for == ("m",)
        world.error = None
        world.reloader.step(10.5)  # too early: it waits a second before it tries again
        assert len(world.loads) == 1
        world.reloader.step(11.5)
        assert not world.reloader.readiness.waits_for
        assert world.answers() == 2

    def test_each_version_is_tried_again_at_its_own_time(self, world: World) -> None:
        rows = [ready(version, config=TWO) for version in (1, 2)]
        world.errors = {2: RuntimeError("can't")}
        world.route(current=1)
        world.say(*rows)
        assert world.answers() == 1
        with pytest.raises(ModelNotReady, match="version 2 can't be loaded: RuntimeError"):
            world.answers(version=2)
        assert world.reloader.readiness.is_ready, "one beside the current one takes nothing away"
        for now, tries in ((1.5, 1), (2.5, 0), (3.6, 1), (7.5, 0), (7.7, 1)):
            world.errors = {}
            before = len(world.loads)
            world.errors = {2: RuntimeError("can't")} if tries == 0 or now < 7.6 else {}
            world.reloader.step(now)
            assert len(world.loads) - before == (1 if now > 7.6 else 0)
        assert world.answers(version=2) == 2

    def test_a_failure_that_may_pass_is_waited_for_and_told_in_the_end(self, world: World) -> None:
        world.error = LOST
        world.say(ready(1))
        absent = world.pool.absence("m")
        assert absent is not None
        assert absent.is_coming
        with pytest.raises(ModelNotReady, match="it isn't running yet"):
            world.answers()
        world.error = None
        world.reloader.step(1.5)
        assert world.pool.absence("m") is None
        assert world.answers() == 1

    def test_any_other_failure_is_told_at_once(self, world: World) -> None:
        world.error = RuntimeError("secret")
        world.say(ready(1))
        absent = world.pool.absence("m")
        assert absent is not None
        assert not absent.is_coming
        with pytest.raises(ModelNotReady, match="RuntimeError"):
            world.answers()

    def test_what_is_asked_for_anew_is_tried_again_at_once(self, world: World) -> None:
        world.error = RuntimeError("can't")
        world.say(ready(1))
        world.error = None
        world.reloader.step(0.1)
        assert not world.pool.has("m")
        world.route(is_unloaded=False)
        world.reloader.step(0.2)
        assert world.pool.has("m")


class TestRoutes:
    def test_an_unloaded_model_is_as_if_it_were_not_there(self, world: World) -> None:
        world.say(ready(1))
        world.route(is_unloaded=True)
        with pytest.raises(ModelNotFound):  # the bell was rung: nobody has stepped
            world.answers()
        world.reloader.step(1.0)
        assert world.loads[0].is_closed
        assert world.pool.absence("m") is None
        (row,) = world.reloader.rows
        assert (row.served, row.reason) == (False, "unloaded")

    def test_no_version_of_it_is_waited_for(self, world: World) -> None:
        world.route(is_unloaded=True)
        world.say(VersionRow("m", 1, State.COMPILING))
        assert world.reloader.readiness.is_ready
        assert world.pool.absence("m") is None

    def test_it_is_loaded_without_a_controller(self, world: World) -> None:
        world.route(is_unloaded=True)
        world.say(ready(1))
        world.route(is_unloaded=False)
        world.reloader.step(1.0)
        assert world.answers() == 1

    def test_they_say_where_requests_go(self, world: World) -> None:
        world.route(current=1, labels={"candidate": 2}, canary=Canary("candidate", 20, "X-User"),
                    shadow="candidate")  # fmt: skip
        world.say(ready(1), ready(2))
        assert world.pool.directions("m") == Directions(
            1, 1, {"stable": 1, "candidate": 2}, Split(2, 0.2, b"x-user"), 2
        )
        assert world.answers(label="candidate") == 2

    def test_a_change_is_followed_by_the_next_request_and_dropped_by_the_next_look(
        self, world: World
    ) -> None:
        world.route(current=1, preparing=((2, "w"),))
        world.say(ready(1), ready(2))
        assert world.answers() == 1
        world.route(current=2, preparing=())
        assert world.answers() == 2
        assert world.in_memory() == [("m", 1), ("m", 2)]
        world.reloader.step(1.0)
        assert world.in_memory() == [("m", 2)]

    def test_a_look_that_has_read_less_than_a_request_undoes_nothing(self, world: World) -> None:
        """The pointer moves, and then somebody prepares what was current, amid a look."""
        world.route(current=1, preparing=((2, "w"),))
        world.say(ready(1), ready(2))
        rows = world.store.rows

        def meanwhile(model: str = "") -> list[VersionRow]:
            world.route(current=1, preparing=())
            world.answers()
            return rows(model)

        world.route(current=2, preparing=())
        world.store.rows = meanwhile  # type: ignore[method-assign]
        world.reloader.step(1.0)
        assert world.answers() == 1
        assert ("m", 1) in world.in_memory()

    def test_rows_that_are_older_than_the_route_are_read_again(self, world: World) -> None:
        world.route(current=1)
        world.say(ready(1), ready(2))
        world.store.replace([ready(1), ready(2), ready(3)])
        world.route(current=3)
        with pytest.raises(ModelNotReady, match="being loaded"):
            world.answers()
        world.reloader.step(1.0)
        assert world.answers() == 3

    def test_a_database_that_is_away_leaves_all_as_it_is(self, world: World) -> None:
        world.say(ready(1))
        revisions = world.store.revisions

        def away() -> dict[str, int]:
            raise sa.exc.OperationalError("SELECT", {}, Exception("away"))

        world.store.revisions = away  # type: ignore[method-assign]
        world.bell.ring()
        assert world.answers() == 1
        world.store.revisions = revisions  # type: ignore[method-assign]
        world.route(is_unloaded=True)
        with pytest.raises(ModelNotFound):
            world.answers()

    def test_a_database_that_begins_anew_is_followed(self, world: World) -> None:
        world.route(current=1)
        for _ in range(3):
            world.route(labels={"x": 1})
        world.say(ready(1), ready(2))
        with world.store._engine.begin() as connection:
            connection.execute(sa.text("DELETE FROM routes"))
        world.reloader.step(1.0)
        assert world.pool.directions("m") == Directions(0, 2, {"stable": 2})
        assert world.answers() == 2


class TestReports:
    def test_a_worker_tells_what_it_holds_and_what_it_has_seen(self, world: World) -> None:
        world.say(ready(1))
        route = world.route(preparing=((2, "w"),), current=1)
        world.error = LOST
        world.say(ready(1), ready(2, "b"), now=1.0)
        (record,) = world.store.workers()
        assert record.worker == str(WorkerName.of(os.getpid()))
        assert record.seen == {"m": route.revision}
        assert [(held.version, held.loading) for held in record.held] == [
            (1, Loading.LOADED),
            (2, Loading.RETRYING),
        ]
        assert "it isn't running yet" in record.held[1].reason

    def test_a_change_is_seen_when_the_last_request_from_before_has_ended(
        self, world: World
    ) -> None:
        world.say(ready(1))
        with world.pool.lease("m"):
            route = world.route(current=1)
            world.reloader.step(1.0)
            assert world.store.workers()[0].seen == {}
        assert world.reloader._has_drained()
        world.reloader.step(1.1)
        assert world.store.workers()[0].seen == {"m": route.revision}

    def test_a_worker_is_known_before_it_looks(self, world: World) -> None:
        seen: list[WorkerRecord] = []
        world.load = lambda row: seen.extend(world.store.workers())  # type: ignore[method-assign,assignment,return-value]
        fresh = world.reloader._residents._loader
        fresh._load_version = world.load
        world.say(ready(1))
        assert [(record.held, record.seen) for record in seen] == [((), {})]

    def test_a_worker_that_cannot_report_serves(self, world: World) -> None:
        def readonly(record: WorkerRecord) -> None:
            raise sa.exc.OperationalError("INSERT", {}, Exception("readonly database"))

        world.store.report = readonly  # type: ignore[method-assign]
        world.say(ready(1))
        assert world.pool.has("m")
        assert world.reloader.readiness.is_ready

    def test_when_versions_answered_last_is_recorded_once_a_minute_and_at_the_end(
        self, world: World
    ) -> None:
        world.say(ready(1))
        before = time.time()
        world.answers()
        world.reloader.step(59.0)
        assert world.store.used() == {}
        world.reloader.step(60.0)
        first = world.store.used()["m", 1]
        assert first >= before
        world.answers()
        world.reloader.step(61.0)
        assert world.store.used()["m", 1] == first
        world.reloader.close()
        assert world.store.used()["m", 1] > first


class FirstScanMeanwhile(VersionStore):
    """The controller's first rows arrive between this worker's first two looks at the database."""

    looks = 0

    def _look(self) -> None:
        self.looks += 1
        if self.looks == 2:
            self.replace([VersionRow("m", 1, State.COMPILING)])

    def rows(self, model: str = "") -> list[VersionRow]:
        self._look()
        return super().rows(model)

    def scanned_at(self) -> datetime | None:
        self._look()
        return super().scanned_at()


def test_a_first_scan_between_two_looks_is_no_empty_repository(tmp_path: Path) -> None:
    world = World(tmp_path)
    store = FirstScanMeanwhile(open_database(f"sqlite:///{tmp_path}/db.sqlite"), "repository")
    world.reloader.store = store

    world.reloader.step(0.0)
    world.reloader.step(1.0)

    assert not world.reloader.readiness.is_ready
    assert "m" in world.reloader.readiness.waits_for
