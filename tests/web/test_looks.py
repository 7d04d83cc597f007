"""How much of the database a worker reads: in its own time, and while requests wait."""

import sqlite3
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.base.database import BUSY_TIMEOUT_MS, hasty
from service.repository.states import State, VersionRow
from service.repository.store import VersionStore
from tests.web.worlds import World, ready


class Counting:
    """The statements that a world's database was sent, as far as they name a table."""

    def __init__(self, world: World) -> None:
        self.statements: list[str] = []
        sa.event.listen(world.store._engine, "before_cursor_execute", self._note)

    def _note(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        self.statements.append(" ".join(statement.split()))

    def whole(self, table: str) -> int:
        """How many have read all of a table's columns for all models."""
        return sum(f"FROM {table} WHERE" in one and "config" in one for one in self._reads(table))

    def _reads(self, table: str) -> list[str]:
        return [one for one in self.statements if f"{table}.model = ?" not in one]


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.say(*[ready(1, model=model) for model in ("a", "b", "m")])
    return world


def test_rows_are_read_again_only_when_they_or_the_routes_have_changed(world: World) -> None:
    world.route("a", labels={"x": 1})
    world.reloader.step(1.0)
    seen = Counting(world)

    for now in range(2, 10):
        world.reloader.step(float(now))
    assert seen.whole("versions") == 0

    world.say(*[ready(1, model=model) for model in ("a", "b", "m")], ready(2), now=10.0)
    assert seen.whole("versions") == 1
    assert world.in_memory() == [("a", 1), ("b", 1), ("m", 2)]

    world.route(current=1)
    world.reloader.step(11.0)
    assert seen.whole("versions") == 2
    assert world.in_memory() == [("a", 1), ("b", 1), ("m", 1), ("m", 2)]
    assert world.answers() == 1


def test_a_bell_has_the_rows_of_what_was_changed_read_and_no_others(world: World) -> None:
    """It is met on the event loop: requests wait meanwhile."""
    rows = [ready(1, model=model) for model in ("a", "b", "m")]
    world.store.replace([*rows, ready(2), VersionRow("b", 2, State.COMPILING)])
    world.route(current=2)
    seen = Counting(world)

    assert not world.pool.has("m")

    assert seen.whole("versions") == 0
    assert sum("versions.config" in one for one in seen.statements) == 1
    assert world.pool.asked(0.0) == [("m", 2)], "which wasn't known before"


def test_who_meets_the_bell_waits_for_no_lock(world: World, tmp_path: Path) -> None:
    """It is answered as before the change, which the reloader's thread follows later."""
    engine = world.store._engine
    quick = hasty(engine)
    world.reloader._guide._hasty = VersionStore(quick, "repository")
    route = world.route(labels={"new": 1})
    engine.dispose()
    owner = sqlite3.connect(tmp_path / "db.sqlite", isolation_level=None)
    owner.execute("PRAGMA locking_mode=EXCLUSIVE")
    owner.execute("BEGIN IMMEDIATE")
    began = time.monotonic()

    assert world.answers() == 1

    assert time.monotonic() - began < BUSY_TIMEOUT_MS / 2000
    owner.close()
    assert not world.pool.is_drained("m", route.revision)
    world.reloader.step(1.0)
    assert world.answers(label="new") == 1
    quick.dispose()
