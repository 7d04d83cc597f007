"""Which fetched versions go: what nobody names for a day, and never what is loaded."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.base.compiled import FETCHED
from service.base.database import open_database
from service.repository.fetched import KEEP_S, Fetched
from service.repository.states import Held, Loading, State, VersionRow, WorkerRecord
from service.repository.store import VersionStore
from tests.databases import migrate

NOW = 1_700_000_000.0


class World:
    def __init__(self, folder: Path) -> None:
        self.folder = folder / "compiled"
        self.engine = open_database(f"sqlite:///{folder}/db.sqlite")
        migrate(self.engine)
        self.store = VersionStore(self.engine, "repository")
        self.now = NOW
        self.loaded: set[str] = set()
        self.fetched = Fetched(self.folder, self.store, lambda: self.loaded, lambda: self.now)

    def add(self, key: str, is_fetched: bool = True) -> Path:
        folder = self.folder / key
        folder.mkdir(parents=True)
        (folder / "model.onnx").write_bytes(b"onnx")
        if is_fetched:
            (folder / FETCHED).touch()
            os.utime(folder / FETCHED, (self.now, self.now))
        return folder

    def name(self, *keys: str) -> None:
        rows = [VersionRow("m", n, State.READY, artefact=key) for n, key in enumerate(keys, 1)]
        self.store.replace(rows)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.fetched.step()

    def left(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    world.name()
    yield world
    world.engine.dispose()


def test_what_nothing_names_goes_a_day_after_it_was_named_last(world: World) -> None:
    world.add("a")
    world.name("a")
    world.pass_time(KEEP_S)
    world.name()
    world.pass_time(KEEP_S - 1)
    assert world.left() == ["a"]
    world.pass_time(1)
    assert world.left() == []


def test_what_a_row_or_a_worker_names_or_this_process_has_loaded_stays(world: World) -> None:
    for key in ("by a row", "by-a-worker", "loaded", "unnamed"):
        world.add(key)
    identity = VersionRow("m", 2, State.READY, artefact="by-a-worker").identity
    held = Held("m", 2, identity, Loading.LOADED)
    world.store.report(WorkerRecord("elsewhere", (held,), beat=1e12))
    world.name("by a row")
    world.loaded = {"loaded"}
    world.pass_time(KEEP_S)
    assert world.left() == ["by a row", "by-a-worker", "loaded"]


def test_what_was_not_fetched_stays(world: World) -> None:
    world.add("baked", is_fetched=False)
    world.pass_time(9 * KEEP_S)
    assert world.left() == ["baked"]


def test_one_that_was_put_aside_goes_as_well(world: World) -> None:
    world.add("a.corrupt")
    world.add("b").with_name("b.corrupt").mkdir()
    world.pass_time(KEEP_S)
    assert world.left() == []


def test_before_a_controller_has_looked_nothing_goes(world: World) -> None:
    world.add("a")
    with world.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM scans"))
    world.pass_time(KEEP_S)
    assert world.left() == ["a"]
