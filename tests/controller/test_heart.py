"""When a controller is taken for alive, and when for of use; by files and by the database."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.base.database import open_database
from service.controller.heart import EVERY_S, PULSE, TURN, Heart
from service.controller.run import _loop
from service.repository.remote.status import Status
from service.repository.store_heartbeats import CONTROLLER, Heartbeat, HeartbeatStore
from tests.controller.world import World
from tests.databases import migrate

Step = Callable[[float], object]


class Body:
    """What a heart beats in, with a wall clock of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        engine = open_database(f"sqlite:///{folder}/db.sqlite")
        migrate(engine)
        self.store = HeartbeatStore(engine, "repository")
        self.wall_now = 1e9
        self.heart = self.begin()

    def begin(self, mirror_dir: Path | None = None) -> Heart:
        return Heart(self.store, self.folder, mirror_dir, lambda: self.wall_now)

    def turn(self, *steps: Step) -> None:
        """One of the controller's loop."""
        stop = threading.Event()
        _loop([*steps, lambda _: stop.set()], stop, 0.0, lambda: None, self.heart)

    def left(self) -> set[str]:
        return {path.name for path in self.folder.glob("controller.*")}


@pytest.fixture
def body(tmp_path: Path) -> Body:
    return Body(tmp_path)


def fail(_: float) -> None:
    raise ValueError("a bug")


def lose(_: float) -> None:
    raise sa.exc.OperationalError("SELECT", {}, Exception("away"))


def test_a_turn_is_told_in_the_database_and_in_both_files(body: Body) -> None:
    body.wall_now += 5.0
    body.turn()
    assert body.store.read(CONTROLLER) == Heartbeat(1e9, 1e9 + 5.0)
    assert body.left() == {PULSE, TURN}


@pytest.mark.parametrize("step", [fail, lose], ids=["a bug", "no database"])
def test_a_loop_whose_steps_fail_lives_and_is_of_no_use(body: Body, step: Step) -> None:
    body.turn(step)
    assert body.store.read(CONTROLLER) is None
    assert body.left() == {PULSE}


def test_a_row_is_written_now_and_then(body: Body) -> None:
    for now, told in ((100.0, 0.0), (100.0 + EVERY_S / 2, 0.0), (100.0 + EVERY_S, EVERY_S)):
        body.wall_now = 1e9 + now - 100.0
        body.heart.step(now)
        assert body.store.read(CONTROLLER) == Heartbeat(1e9, 1e9 + told)


def test_what_a_killed_predecessor_has_left_is_no_sign_of_the_next_one(body: Body) -> None:
    body.turn()
    body.heart = body.begin()
    assert body.left() == set()
    body.turn()
    body.heart.stop()  # in an orderly end
    assert body.left() == set()
    assert body.store.read(CONTROLLER) is not None


def test_a_new_process_is_known_by_its_start(body: Body) -> None:
    body.turn()
    body.wall_now += 60.0
    body.heart = body.begin()
    body.turn()
    assert body.store.read(CONTROLLER) == Heartbeat(1e9 + 60.0, 1e9 + 60.0)


def test_how_it_mirrors_is_told_with_it(body: Body, tmp_path: Path) -> None:
    status = Status(True, "", 1e9, 4096, 3, 2, 7)
    body.heart = body.begin(tmp_path)
    body.turn()
    assert body.store.read(CONTROLLER) == Heartbeat(1e9, 1e9)
    status.write(tmp_path)
    body.heart = body.begin(tmp_path)
    body.turn()
    assert body.store.read(CONTROLLER) == Heartbeat(1e9, 1e9, status)


def test_a_look_at_many_versions_beats_for_each(tmp_path: Path) -> None:
    world = World(tmp_path)
    beats: list[float] = []
    world.controller.beat = lambda: beats.append(world.now)
    for version in (1, 2, 3):
        world.add_compiled("m", version, str(version))
    world.step()
    world.controller.close()
    assert len(beats) == 3
