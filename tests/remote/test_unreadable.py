"""Objects that can't be read, and a disk that is full: others are none the worse."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from service.repository.remote.content import Content
from service.repository.remote.postponing import PAUSE_S
from tests.remote.mirror_world import World
from tests.remote.stepped import POLL_S

H5 = b"\x89HDF\r\n\x1a\nmodel"


class Coded(OSError):
    """An error with a code, as S3's clients have it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.response = {"Error": {"Code": code}}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def unreadable(world: World, error: Exception, *keys: str) -> None:
    world.remote.store.fails = lambda method, key: (
        error if method == "cat_file" and key in keys else None
    )


def asked(world: World) -> int:
    """How often objects were read since the last time."""
    count = sum(method == "cat_file" for method, _ in world.remote.store.calls)
    world.remote.store.calls.clear()
    return count


class TestObjects:
    @pytest.mark.parametrize(
        "error",
        [Coded("InvalidObjectState"), Coded("AccessDenied"), Coded("403"), Coded("NoSuchKey"),
         Coded("InvalidRange"), PermissionError(), FileNotFoundError()],
        ids=repr,
    )  # fmt: skip
    def test_one_that_cannot_be_read_is_no_network_that_is_away(
        self, world: World, error: Exception
    ) -> None:
        names = ("a.h5", "b.h5", "c.h5", "old/1/model.h5")
        for name in names:
            world.remote.put(name, H5)
        world.remote.put_version("m/1", {"model.h5": H5 + b"1"})
        unreadable(world, error, *names)
        world.settle()
        assert world.look() == POLL_S
        assert world.status() == (True, "", 4)
        assert world.versions() == [("m", 1)]
        world.back()
        world.look(PAUSE_S)
        assert world.versions() == [("a", 1), ("b", 1), ("c", 1), ("m", 1), ("old", 1)]

    @pytest.mark.parametrize("error", [Coded("ExpiredToken"), Coded("SlowDown"), TimeoutError()])
    def test_what_would_be_said_of_any_is_trouble(self, world: World, error: Exception) -> None:
        world.remote.put_version("m/1", {"model.h5": H5})
        unreadable(world, error, "m/1/model.h5")
        assert world.look() > POLL_S
        assert world.status()[0] is False

    def test_it_is_asked_for_once_a_minute_and_at_once_when_it_changes(self, world: World) -> None:
        world.remote.put_version("m/1", {"model.h5": H5})
        unreadable(world, PermissionError(), "m/1/model.h5")
        world.look()
        asked(world)
        world.look()
        assert (asked(world), world.status()[2]) == (0, 1)
        world.look(PAUSE_S)
        assert asked(world) == 1
        world.remote.put_version("m/1", {"model.h5": H5 + b"new"})
        world.look()
        assert asked(world) == 2

    def test_those_that_the_network_keeps_back_are_tried_after_others(self, world: World) -> None:
        names = ("a.h5", "b.h5", "c.h5")
        for name in names:
            world.remote.put(name, H5)
        world.remote.put_version("m/1", {"model.h5": H5})
        unreadable(world, TimeoutError(), *names)
        world.look()
        world.look()  # now they have settled, and three troubles end a look
        world.look()
        world.back()
        unreadable(world, TimeoutError(), *names)
        asked(world)
        world.remote.put_version("m/2", {"model.h5": H5 + b"2"})
        world.look()
        assert [key for method, key in world.remote.store.calls if method == "cat_file"] == [
            "m/2/manifest.json", "m/2/model.h5", *names,
        ]  # fmt: skip

    def test_an_empty_object_is_read_as_empty(self, world: World) -> None:
        world.remote.put("m/1/claim.json", b"")
        unreadable(world, Coded("InvalidRange"), "m/1/claim.json")
        assert world.remote.bucket.read("m/1/claim.json", 10) == b""


class TestBareFiles:
    def test_the_files_of_a_model_come_together_or_not_at_all(self, world: World) -> None:
        names = ("m/model.json", "m/model.weights.h5", "n.json", "n.weights.h5")
        for name in names:
            world.remote.put(name, H5 + b"one")
        world.settle()
        before = world.lies()
        assert set(before) == set(names)
        for name in names:
            world.remote.put(name, H5 + b"two")
        unreadable(world, TimeoutError(), "m/model.weights.h5", "n.weights.h5")
        for _ in range(3):
            world.look()
            assert world.lies() == before
        world.back()
        world.look()
        assert set(world.lies().values()) == {H5 + b"two"}

    def test_one_that_changes_makes_all_wait(self, world: World) -> None:
        world.remote.put("m/model.json", b"one")
        world.remote.put("m/model.weights.h5", H5 + b"one")
        world.settle()
        world.remote.put("m/model.json", b"two")
        world.look()
        world.remote.put("m/model.weights.h5", H5 + b"two")
        world.look()
        assert world.lies()["m/model.json"] == b"one"
        world.look()
        assert set(world.lies().values()) == {b"two", H5 + b"two"}

    def test_a_file_that_is_replaced_by_one_of_another_name_stays_until_then(
        self, world: World
    ) -> None:
        world.remote.put("m/model.json", b"{}")
        world.remote.put("m/old.weights.h5", H5)
        world.settle()
        world.remote.remove("m/old.weights.h5")
        world.remote.put("m/new.weights.h5", H5 + b"new")
        world.look()
        assert world.lies().keys() == {"m/model.json", "m/old.weights.h5"}
        world.look()
        assert world.lies().keys() == {"m/model.json", "m/new.weights.h5"}
        world.remote.remove("m/model.json", "m/new.weights.h5")
        world.remote.put("other.h5", H5)
        world.settle()
        assert world.lies().keys() == {"other.h5"}


class TestDisk:
    def test_one_version_without_room_keeps_no_other_from_coming_or_going(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for model in ("a", "z"):
            world.remote.put_version(f"{model}/1", {"model.h5": H5 + model.encode()})
        world.look()
        fetch = Content.fetch

        def full(content: Content, key: str, *more: Any) -> str:
            if key == "big/1/model.h5":
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return fetch(content, key, *more)

        monkeypatch.setattr(Content, "fetch", full)
        world.remote.put_version("big/1", {"model.h5": H5 + b"big"})
        world.remote.put_version("c/1", {"model.h5": H5 + b"c"})
        world.remote.remove("z/1/model.h5", "z/1/manifest.json")
        left = world.folder / "parts" / ("0" * 64)
        left.write_bytes(b"the beginning of what is listed no more")
        world.look(700)
        assert world.versions() == [("a", 1), ("c", 1)]
        assert "No space left" in world.status()[1]
        assert not left.exists()

    def test_an_index_that_cannot_be_written_is_told_and_nothing_else(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world.remote.put_version("m/1", {"model.h5": H5})
        world.look()
        world.remote.put_version("m/2", {"model.h5": H5 + b"2"})

        def full(_content: Content, _pause_s: float) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(Content, "save", full)
        world.look()
        assert world.versions() == [("m", 1), ("m", 2)]
        assert "No space left" in world.status()[1]
