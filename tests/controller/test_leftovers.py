"""Which compiled versions are removed, and when: never one that something names."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from service.controller.leftovers import KEEP_S, LOOK_EVERY_S
from service.repository.states import Held, Loading, State, VersionRow, WorkerRecord
from service.repository.store import VersionStore
from tests.controller.world import LIMITS, LONG_AGO, World


def add(world: World, version: int, content: str) -> Path:
    """A version that was compiled long ago."""
    folder = world.add_compiled("m", version, content)
    os.utime(folder, (LONG_AGO - 100, LONG_AGO - 100))
    return folder


def wait(world: World, seconds: float = KEEP_S) -> None:
    world.wall_now += seconds
    world.step(LOOK_EVERY_S)


def remove(world: World, version: int) -> None:
    shutil.rmtree(world.repository / "m" / str(version))
    world.step()


def restart(world: World) -> None:
    world.controller.close()
    world.controller = world.new_controller(LIMITS)
    world.controller.start()


def test_what_nothing_names_goes_after_a_day_and_not_before(world: World) -> None:
    gone, kept = add(world, 1, "a"), add(world, 2, "b")
    world.step()
    remove(world, 1)
    wait(world, KEEP_S - 1)
    assert gone.is_dir()
    wait(world, 2)
    assert sorted(world.compiled.iterdir()) == [kept]


def test_a_restart_does_not_forget_since_when(world: World) -> None:
    gone = add(world, 1, "a")
    add(world, 2, "b")
    world.step()
    remove(world, 1)
    restart(world)
    wait(world)
    assert not gone.exists()


def test_what_lost_its_name_while_no_controller_looked_is_met_at_the_start(world: World) -> None:
    gone = add(world, 1, "a")
    add(world, 2, "b")
    world.step()
    shutil.rmtree(world.repository / "m" / "1")
    restart(world)
    world.step()
    assert gone.is_dir()
    wait(world)
    assert not gone.exists()


def test_files_that_come_back_are_served_from_the_cache(world: World) -> None:
    folder = add(world, 1, "a")
    world.step()
    aside = world.folder / "aside"
    (world.repository / "m").rename(aside)
    world.step()
    wait(world, KEEP_S - 1)
    aside.rename(world.repository / "m")
    assert world.step()["m", 1].state is State.READY
    wait(world)
    wait(world)
    assert list(world.compiled.iterdir()) == [folder]


def test_what_was_never_named_is_not_touched(world: World) -> None:
    """Such as what `kerasd compile` has made for a service to come."""
    by_hand = add(world, 1, "by hand")
    shutil.rmtree(world.repository / "m")
    add(world, 2, "b")
    world.step()
    wait(world)
    wait(world)
    assert by_hand.is_dir()


def test_what_is_compiled_anew_meanwhile_stays_another_day(world: World) -> None:
    folder = add(world, 1, "a")
    world.step()
    remove(world, 1)
    world.wall_now += KEEP_S
    os.utime(folder, (world.wall_now, world.wall_now))
    wait(world, 0)
    assert folder.is_dir()


def test_the_form_that_is_served_while_its_files_are_broken_stays(world: World) -> None:
    folder = add(world, 1, "a")
    world.step()
    path = world.add("m", 1, "no model")
    path.write_bytes(b"no model")
    world.step_until_files(("m", 1), State.FAILED)
    wait(world)
    wait(world)
    assert folder.is_dir()


def by_another_repository(world: World, key: str) -> None:
    rows = [VersionRow("n", 1, State.READY, artefact=key)]
    VersionStore(world.store._engine, "another").replace(rows)


def by_a_worker(world: World, key: str) -> None:
    held = Held("m", 1, VersionRow("m", 1, State.READY, artefact=key).identity, Loading.LOADED)
    world.store.report(WorkerRecord("host/1:11:1", (held,), beat=1e12))


@pytest.mark.parametrize("name", [by_another_repository, by_a_worker])
def test_what_others_name_stays(world: World, name: Callable[[World, str], None]) -> None:
    folder = add(world, 1, "a")
    add(world, 2, "b")
    world.step()
    name(world, folder.name)
    remove(world, 1)
    wait(world)
    assert folder.is_dir()
