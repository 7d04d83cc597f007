"""What another process runs is loaded beside the rest: if that hangs, nothing else waits."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.base.errors import ModelNotReady, RuntimeLost
from service.repository.states import Loading, VersionRow
from service.web.side_loader import SideLoader
from tests.fakes import FakeVersion
from tests.running import wait_until
from tests.web.worlds import TWO, World, ready

WAIT_S = 60.0


class Hanging(World):
    """The model `remote` is loaded by a process that answers once it is let go on."""

    def __init__(self, folder: Path) -> None:
        self.goes_on, self.ended = threading.Event(), threading.Event()
        super().__init__(folder, remote={"remote"})
        self.reloader._residents.call_when_loaded(self.ended.set)

    def load(self, row: VersionRow) -> FakeVersion:
        if row.model == "remote":
            assert self.goes_on.wait(WAIT_S)
        return super().load(row)

    def go_on(self, now: float) -> None:
        """Let the load end, and look."""
        self.goes_on.set()
        assert self.ended.wait(WAIT_S)
        self.ended.clear()
        self.reloader.step(now)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Hanging]:
    world = Hanging(tmp_path)
    yield world
    world.goes_on.set()
    world.reloader.close()


def held(world: World) -> dict[str, Loading]:
    (record,) = world.store.workers()
    return {held.model: held.loading for held in record.held}


def test_a_load_that_hangs_holds_up_no_other_model(world: Hanging) -> None:
    world.say(ready(1, model="remote"), ready(1), ready(1, "b", model="z"))
    assert held(world) == {"m": Loading.LOADED, "z": Loading.LOADED}
    route = world.route(current=2)
    world.say(ready(1, model="remote"), ready(1), ready(2, "c"), now=1.0)
    assert world.answers() == 2
    (record,) = world.store.workers()
    assert record.seen["m"] == route.revision
    with pytest.raises(ModelNotReady):
        world.answers("remote")
    absent = world.pool.absence("remote")
    assert absent is not None
    assert absent.is_coming

    world.go_on(2.0)

    assert world.answers("remote") == 1
    assert held(world)["remote"] is Loading.LOADED


def test_one_is_loaded_after_the_other(world: Hanging) -> None:
    rows = [ready(version, model="remote", config=TWO) for version in (1, 2)]
    world.say(*rows)
    world.reloader.step(1.0)
    assert world.loaded == []
    world.go_on(2.0)
    world.go_on(3.0)
    assert world.loaded == [("remote", 2), ("remote", 1)]
    assert world.in_memory() == [("remote", 1), ("remote", 2)]


def test_what_was_decided_meanwhile_holds(world: Hanging) -> None:
    """It is loaded anew where that was asked for, and closed where it isn't served any more."""
    world.say(ready(1, model="remote"))
    world.route("remote", generation=1)
    world.go_on(1.0)
    assert world.loads[0].is_closed
    assert world.in_memory() == []
    world.store.replace([])
    world.go_on(2.0)
    assert world.loads[1].is_closed
    assert world.in_memory() == []


def test_the_present_form_answers_until_the_new_one_is_there(world: Hanging) -> None:
    world.say(ready(1, model="remote"))
    world.go_on(1.0)
    world.goes_on.clear()
    world.say(ready(1, "changed", model="remote"), now=2.0)
    assert world.answers("remote") == 1
    assert not world.loads[0].is_closed
    world.go_on(3.0)
    assert world.loads[0].is_closed
    assert world.answers("remote") == 1


def test_a_process_that_is_lost_is_tried_again(world: Hanging) -> None:
    world.error = RuntimeLost("it doesn't answer")
    world.say(ready(1, model="remote"))
    world.go_on(1.0)
    assert held(world) == {"remote": Loading.RETRYING}
    world.error = None
    world.reloader.step(1.5)
    assert not world.reloader._residents._loader.side.is_busy, "it isn't time yet"
    world.reloader.step(2.5)
    world.go_on(2.6)
    assert world.answers("remote") == 1


def test_the_thread_looks_at_once_when_a_load_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.web.reloader.POLL_S", 3600.0)  # so that no poll finds it
    world = World(tmp_path, remote={"remote"})
    world.store.replace([ready(1, model="remote")])
    world.reloader.start()
    try:
        wait_until(lambda: world.pool.has("remote"), "what was loaded is taken in", WAIT_S)
    finally:
        world.reloader.close()


def test_what_comes_after_the_end_is_closed() -> None:
    goes_on, version = threading.Event(), FakeVersion()

    def load(_: VersionRow) -> FakeVersion:
        assert goes_on.wait(WAIT_S)
        return version

    side, ended = SideLoader(load), threading.Event()
    side.on_end = ended.set
    side.begin(ready(1))
    side.close(wait_s=0.0)
    goes_on.set()
    assert ended.wait(WAIT_S)
    assert version.is_closed
    assert side.take() is None
