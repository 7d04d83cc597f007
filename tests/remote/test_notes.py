"""What a web process far from its controller has of a bucket: no files of models, and alerts."""

import json
from pathlib import Path

import pytest

from tests.remote.mirror_world import World

H5 = b"\x89HDF\r\n\x1a\nmodel"


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.begin(notes_only=True)
    return world


def test_only_what_is_told_of_versions_comes(world: World) -> None:
    world.remote.put_version("m/1", {"model.h5": H5})
    world.remote.put("m/1/warm_up.json", b"{}")
    world.remote.put("m/model.yaml", b"task: binary\n")
    world.remote.put("m/2/model.h5", H5)
    world.remote.put("bare.h5", H5)
    world.settle()
    assert world.lies().keys() == {"m/1/manifest.json", "m/1/warm_up.json", "m/model.yaml"}
    assert world.status() == (True, "", 0)


def test_a_version_whose_files_are_not_all_there_is_counted_and_its_notes_come(
    world: World,
) -> None:
    world.remote.put_version("m/1", {"model.json": b"{}", "weights.h5": H5})
    world.remote.put("other/1/manifest.json", b"no json")
    world.remote.remove("m/1/weights.h5")
    world.look()
    assert world.lies().keys() == {"m/1/manifest.json"}
    assert world.status() == (True, "", 2)
    world.remote.put("m/1/weights.h5", H5)
    world.remote.put("other/1/manifest.json", json.dumps({"files": {}}).encode())
    world.look()
    assert world.status() == (True, "", 0)


def test_a_note_that_is_too_large_to_be_one_stays_away(world: World) -> None:
    world.remote.put("m/1/manifest.json", b" " * (5 * 1024**2))
    world.look()
    assert world.lies() == {}
    assert world.status() == (True, "", 1)
