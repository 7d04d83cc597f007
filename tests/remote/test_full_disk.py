"""A disk that is full: what fits comes, what must go goes, and a reserve stays for the database."""

import errno
import os
import tempfile
from pathlib import Path

import pytest

from service.repository.remote import content, mirror
from tests.remote.mirror_world import World
from tests.remote.stepped import POLL_S

H5 = b"\x89HDF\r\n\x1a\nmodel"


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    for number in (1, 2):
        world.remote.put_version(f"m/{number}", {"model.h5": H5 + str(number).encode()})
    world.remote.put("bare.h5", H5 + b"bare")
    world.settle()
    return world


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_what_does_not_fit_is_not_begun_and_is_a_problem_of_its_own(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    large = {"a.h5": bytes(600), "b.h5": bytes(range(256)) * 3}
    world.remote.put_version("big/1", large)
    world.remote.put("heap.h5", H5 + bytes(2000))
    world.remote.put_version("z/1", {"model.h5": H5 + b"z"})
    monkeypatch.setattr(content, "free_room", lambda _: 1000)
    world.settle()
    assert world.look() == POLL_S
    assert world.versions() == [("bare", 1), ("m", 1), ("m", 2), ("z", 1)]
    assert world.status() == (True, "", 2)
    assert list((world.folder / "parts").iterdir()) == []
    assert ("cat_file", "big/1/a.h5") not in world.remote.store.calls
    told = [vars(record).get("why") for record in caplog.records]
    assert told == [f"the local disk has no room for its {size} bytes beside a reserve"
                    for size in (1368, 2013)]  # fmt: skip
    monkeypatch.undo()
    world.look()
    assert {("big", 1), ("heap", 1)} <= set(world.versions())
    assert world.status() == (True, "", 0)


def test_a_second_copy_leaves_the_reserve_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.remote.put_version("m/3", {"model.h5": H5 + b"1"})  # as m/1, so it is copied
    monkeypatch.setattr(mirror, "free_room", lambda _: len(H5))
    with pytest.raises(OSError, match="No space left"):
        world.look()
    assert ("m", 3) not in world.versions()
    monkeypatch.undo()
    world.place()
    assert ("m", 3) in world.versions()


class TestRemoval:
    @pytest.mark.parametrize("gone", [("m/1/model.h5", "m/1/manifest.json"), ("bare.h5",)])
    def test_nothing_need_be_written_to_let_something_go(
        self, world: World, gone: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = world.versions()
        world.remote.remove(*gone)
        world.remote.put_version("m/3", {"model.h5": H5 + b"3"})
        with monkeypatch.context() as context:
            context.setattr(mirror, "_write", full)
            context.setattr(tempfile, "mkdtemp", full)
            with pytest.raises(OSError, match="No space left"):
                world.look()
            assert len(world.versions()) == len(before) - 1
            assert not list(world.mirror.models.rglob(".*"))
            with pytest.raises(OSError, match="No space left"):
                world.place()
        world.place()
        there = world.versions()
        assert ("m", 3) in there
        assert len(there) == len(before)
        world.away(TimeoutError())
        world.begin()
        assert world.versions() == there

    def test_what_a_kill_left_of_a_removal_goes_at_the_next_start(self, world: World) -> None:
        folder = world.mirror.models / "m"
        (folder / "1").rename(folder / ".trash-1")
        world.begin()
        assert not (folder / ".trash-1").exists()
        assert {("m", 1), ("m", 2)} <= set(world.versions())
