"""What somebody removed from the mirror's folder comes back, without the network too."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.remote.mirror_world import World

H5 = b"\x89HDF\r\n\x1a\nmodel"


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.remote.put_version("m/1", {"model.json": b"{}", "weights.h5": H5})
    world.remote.put_version("m/2", {"model.json": b"{}", "weights.h5": H5})
    world.remote.put("m/model.yaml", b"task: binary\n")
    world.remote.put("bare.h5", H5 + b"bare")
    world.settle()
    return world


def test_all_of_it_while_the_mirror_is_kept(world: World) -> None:
    before = world.lies()
    shutil.rmtree(world.mirror.models)
    world.place()
    assert world.lies() == before


@pytest.mark.parametrize(
    "remove",
    [lambda models: shutil.rmtree(models), lambda models: shutil.rmtree(models / "m"),
     lambda models: shutil.rmtree(models / "m" / "2"), lambda models: (models / "bare.h5").unlink(),
     lambda models: (models / "m" / "1" / "weights.h5").unlink()],
    ids=["all", "model", "version", "bare", "file"],
)  # fmt: skip
def test_some_of_it_at_the_next_start(world: World, remove: Callable[[Path], object]) -> None:
    before = world.lies()
    world.away(TimeoutError())
    remove(world.mirror.models)
    world.begin()
    assert world.lies() == before
    kept = {path: path.stat() for path in world.mirror.models.rglob("*")}
    world.begin()
    assert {path: path.stat() for path in world.mirror.models.rglob("*")} == kept


def test_content_that_is_gone_too_is_fetched(world: World) -> None:
    before = world.lies()
    for name in ("models", "content"):
        shutil.rmtree(world.folder / name)
    world.begin()
    world.look()
    world.settle()
    assert world.lies() == before


def test_what_is_listed_no_more_goes_whatever_is_left_of_it(world: World) -> None:
    (world.mirror.models / "m" / "1" / "weights.h5").unlink()
    world.begin()
    world.remote.remove("m/1/model.json", "m/1/weights.h5", "m/1/manifest.json", "bare.h5")
    world.look()
    assert world.versions() == [("m", 2)]
    assert not (world.mirror.models / "m" / "1").exists()
