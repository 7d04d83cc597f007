"""The controller moves the pointers of models, and writes down that it did and why."""

import logging
import os
import shutil
from dataclasses import replace

import pytest
import sqlalchemy as sa

from service.base.bell import Bell
from service.repository.route import Canary, Route
from service.repository.states import Loading, State
from service.repository.workers import WorkerName
from tests.controller.world import LIMITS, World

FIRST, SECOND = "host/1:11:1", "host/1:22:2"


@pytest.fixture
def old(world: World) -> World:
    """Version 1 is current and loaded in two workers; version 2 is new and READY."""
    world.add_compiled("m", 1, "a")
    world.step()
    for name in (FIRST, SECOND):
        world.report(name, 1)
    world.add_compiled("m", 2, "b")
    return world


def told(world: World) -> list[tuple[object, object, str, str]]:
    return [
        (one.before["current"], one.after["current"], one.who, one.why)
        for one in reversed(world.store.audit())
    ]


def test_the_first_version_is_current_at_once(world: World) -> None:
    world.add_compiled("m", 1, "a")
    assert world.step()["m", 1].current
    assert told(world) == [(None, 1, "controller", "version policy")]
    assert world.store.audit()[0].action == "advance"


def test_a_new_version_becomes_current_when_all_workers_have_it(
    old: World, caplog: pytest.LogCaptureFixture
) -> None:
    rows = old.step()
    assert [rows["m", v].served for v in (1, 2)] == [True, True]
    assert rows["m", 1].current
    old.report(FIRST, 1, 2)
    assert old.step()["m", 1].current
    old.report(SECOND, 1, 2)
    bell = Bell(old.run_dir / "bell")
    before = bell.value

    with caplog.at_level(logging.INFO):
        rows = old.step()

    assert (rows["m", 2].current, rows["m", 1].served) == (True, False)
    assert bell.value != before
    bell.close()
    assert told(old)[1:] == [(1, 2, "controller", "version policy")]
    assert old.store.route("m").previous == (1,)
    (line,) = [record for record in caplog.records if "current version" in record.message]
    fields = (line.__dict__[name] for name in ("model", "from", "to", "who", "why"))
    assert tuple(fields) == ("m", 1, 2, "controller", "version policy")


def test_a_canary_that_becomes_current_is_none_any_more(old: World) -> None:
    trial = {"labels": {"next": 2}, "canary": Canary("next", 5), "shadow": "next"}
    old.store.change("m", lambda route: replace(route, **trial))  # type: ignore[arg-type]
    old.step()
    for name in (FIRST, SECOND):
        old.report(name, 1, 2)
    assert old.step()["m", 2].current
    route = old.store.route("m")
    assert (route.canary, route.shadow, route.labels) == (None, "", {"next": 2})
    assert old.store.audit()[0].before["shadow"] == "next"


def test_a_version_that_a_worker_cannot_load_never_becomes_current(old: World) -> None:
    old.step()
    old.report(FIRST, 1, 2)
    old.report(SECOND, 2, loading=Loading.FAILED)
    for _ in range(3):
        assert old.step()["m", 1].current


def test_a_pinned_version_stays(old: World) -> None:
    old.store.change("m", lambda route: replace(route, is_pinned=True))
    for name in (FIRST, SECOND):
        old.report(name, 1, 2)
    assert old.step()["m", 1].current
    old.store.change("m", lambda route: replace(route, is_pinned=False))
    old.step()
    for name in (FIRST, SECOND):
        old.report(name, 1, 2)
    assert old.step()["m", 2].current


def test_what_stands_in_for_a_lost_version_is_written_down(old: World) -> None:
    old.step()
    old.store.change("m", lambda route: replace(route, current=2, is_pinned=True))
    shutil.rmtree(old.repository / "m" / "2")
    assert old.step()["m", 1].current
    why = "version 2 is RETIRED: its files are gone from the repository"
    assert told(old)[1:] == [(2, 1, "controller", why)]
    assert old.store.route("m").is_pinned


def test_a_cold_successor_is_loaded_for_the_change(old: World) -> None:
    old.step()
    cold = replace(old.store.workers()[0], worker=FIRST)
    old.report(FIRST, 2, loading=Loading.COLD)
    held = old.store.workers()[0].held
    old.store.forget(SECOND)
    old.store.report(replace(cold, held=(*cold.held, *held)))
    for _ in range(2):
        assert old.step()["m", 1].current
    ((version, _me),) = old.store.route("m").preparing
    assert version == 2
    revision = old.store.route("m").revision

    old.report(FIRST, 1, 2)
    assert old.step()["m", 2].current
    old.step()

    assert old.store.route("m").preparing == ()
    assert old.store.route("m").revision == revision + 2


def test_what_dead_processes_prepared_is_dropped(old: World) -> None:
    dead = str(replace(WorkerName.of(os.getpid()), start="1"))
    entries = ((1, dead), (1, FIRST))
    old.store.change("m", lambda route: replace(route, preparing=entries))
    old.step()
    assert old.store.route("m").preparing == ((1, FIRST),)
    assert len(told(old)) == 1, "nobody decided that"


@pytest.mark.parametrize("who", [FIRST, "node/3:99:9"], ids=["worker", "a job's, elsewhere"])
def test_what_was_prepared_too_long_ago_is_dropped(old: World, who: str) -> None:
    old.store.change("m", lambda route: replace(route, preparing=((1, who),)))
    for seconds in (1, 119):
        old.step(seconds)
        assert old.store.route("m").preparing == ((1, who),)
    old.step(1)
    old.step(1)
    assert old.store.route("m").preparing == ()


def test_an_operator_who_is_quicker_is_not_overruled(old: World) -> None:
    old.step()
    for name in (FIRST, SECOND):
        old.report(name, 1, 2)
    stale = old.store.routes()
    old.store.change("m", lambda route: replace(route, is_pinned=True))
    old.controller._pointers.step(old.store.rows(), stale, old.now)
    assert old.store.route("m").current == 1


def test_nothing_is_written_while_nothing_changes(old: World) -> None:
    old.step()
    old.step()
    before = old.store.routes()
    statements: list[str] = []

    def note(_c: object, _u: object, statement: str, *_: object) -> None:
        statements.append(statement.split()[0])

    sa.event.listen(old.store._engine, "before_cursor_execute", note)
    old.store.change("n", lambda route: route)
    statements.clear()
    old.step()
    assert old.store.routes() == before | {"n": Route("n", revision=1, looked=1)}
    statements.clear()
    old.controller.step(old.now + 1)
    assert set(statements) == {"SELECT"}
    assert len(statements) <= 4


def test_a_locked_database_is_met_again_later(old: World) -> None:
    old.step()
    for name in (FIRST, SECOND):
        old.report(name, 1, 2)
    sa.event.listen(
        old.store._engine,
        "connect",
        lambda connection, _: connection.execute("PRAGMA busy_timeout=1"),
    )
    old.store._engine.dispose()  # what is open waits for longer
    with sa.create_engine(old.store._engine.url).connect() as other:
        other.execute(sa.text("BEGIN IMMEDIATE"))
        with pytest.raises(sa.exc.OperationalError, match="locked"):
            old.step()
        other.rollback()
    assert old.step()["m", 2].current


def test_a_new_controller_keeps_what_every_ready_version_has_compiled(old: World) -> None:
    rows = old.step()
    assert not rows["m", 2].current
    for version in (1, 2):
        old.add("m", version, "an upload has begun", settled=False)
    old.controller.close()
    old.controller = old.new_controller(LIMITS)
    old.controller.start()
    rows = old.step()
    assert [rows["m", v].state for v in (1, 2)] == [State.READY, State.READY]
    assert rows["m", 1].current
