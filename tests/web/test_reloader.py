"""The reloader, stepped by hand: what the database says is what the pool answers."""

from pathlib import Path

import pytest

from service.base.database import migrate, open_database
from service.base.errors import ModelNotFound, ModelNotReady
from service.repository.states import State, VersionRow
from service.repository.store import VersionStore
from service.runtime.pool import Pool
from service.web.decode import Decoder
from service.web.reloader import Reloader
from service.web.served import Identity, ServedVersion
from tests.fakes import FakeVersion


class World:
    """A store, a pool, a reloader, and a list of what was loaded."""

    def __init__(self, folder: Path) -> None:
        engine = open_database(f"sqlite:///{folder}/db.sqlite")
        migrate(engine)
        self.store = VersionStore(engine, "repository")
        self.pool: Pool[ServedVersion] = Pool()
        self.loads: list[FakeVersion] = []
        self.fails = False
        self.reloader = Reloader(self.store, self.pool, self.load)

    def load(self, row: VersionRow) -> ServedVersion:
        if self.fails:
            raise RuntimeError("can't")
        self.loads.append(FakeVersion())
        identity = Identity(row.model, row.version, row.artefact)
        return ServedVersion(identity, self.loads[-1], row.config, Decoder())

    def say(self, *rows: VersionRow, now: float = 0.0) -> None:
        self.store.replace(list(rows))
        self.reloader.step(now)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def ready(version: int, artefact: str = "a", served: bool = True) -> VersionRow:
    return VersionRow("m", version, State.READY, served=served, artefact=artefact)


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
    with world.pool.lease("m") as held:
        world.say(ready(1, served=False), ready(2, "b"))
        with world.pool.lease("m") as slot:
            assert slot.version == 2
        assert not world.loads[0].is_closed
        held.served.answer(b'{"instances": [[1, 2, 3]]}')
    assert world.loads[0].is_closed
    assert not world.loads[1].is_closed


def test_a_version_that_cannot_be_loaded_leaves_its_predecessor(world: World) -> None:
    world.say(ready(1))
    world.fails = True
    world.say(ready(1, served=False), ready(2, "b"), now=10.0)
    with world.pool.lease("m") as slot:
        assert slot.version == 1
    assert world.reloader.readiness.is_ready
    assert world.reloader.readiness.waits_for == ("m",)
    world.fails = False
    world.reloader.step(10.5)  # too early: it waits a second before it tries again
    assert len(world.loads) == 1
    world.reloader.step(11.5)
    assert not world.reloader.readiness.waits_for
    with world.pool.lease("m") as slot:
        assert slot.version == 2


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
