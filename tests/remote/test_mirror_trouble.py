"""What is mirrored stays, whatever becomes of the network, the disk, or the process."""

import errno
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from service.repository.layout import scan
from service.repository.remote.content import Content
from service.repository.remote.mirror import Mirror
from tests.remote.mirror_world import World
from tests.remote.stepped import POLL_S

H5 = b"\x89HDF\r\n\x1a\nmodel"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


class TestTrouble:
    @pytest.mark.parametrize(
        ("error", "why"),
        [
            (ConnectionResetError(errno.ECONNRESET, "http://key:secret@host"), "can't be reached"),
            (PermissionError("secret"), "access is denied"),
            (FileNotFoundError("bucket"), "isn't there"),
            (TimeoutError(), "didn't answer in time"),
            (RuntimeError("secret"), "can't be reached"),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_whatever_goes_wrong_what_is_mirrored_stays(
        self, world: World, error: Exception, why: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        world.remote.put_version("m/1", {"model.h5": H5})
        world.look()
        caplog.clear()
        caplog.set_level("INFO")
        world.away(error)
        pauses = [world.look() for _ in range(6)]
        assert world.versions() == [("m", 1)]
        up, told, _ = world.status()
        assert (up, why in told) == (False, True)
        assert pauses == [20, 40, 60, 60, 60, 60]
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        world.back()
        assert world.look() == POLL_S
        assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
        assert "secret" not in str([record.__dict__ for record in caplog.records])
        assert world.status() == (True, "", 0)

    def test_a_fetch_that_breaks_goes_on_where_it_ended(self, world: World) -> None:
        large = H5 + bytes(range(256)) * 2**17  # more than 8 MiB, so several pieces
        world.remote.put_version("m/1", {"model.h5": large})
        pieces = 0

        def third(method: str, key: str) -> Exception | None:
            nonlocal pieces
            is_piece = (method, key) == ("cat_file", "m/1/model.h5")
            pieces += is_piece
            return ConnectionResetError() if is_piece and pieces == 3 else None

        world.remote.store.fails = third
        world.look()
        assert not world.mirror.models.exists()
        world.begin()  # and the process is killed besides
        world.look()
        assert world.lies()["m/1/model.h5"] == large
        assert pieces == 6  # 2 and the one that failed, then 3: of 5 none was fetched twice

    def test_one_object_that_is_denied_keeps_no_other_from_coming(self, world: World) -> None:
        for model in ("a", "b", "c"):
            world.remote.put_version(f"{model}/1", {"model.h5": H5 + model.encode()})
        world.remote.store.fails = lambda _method, key: (
            PermissionError() if key == "a/1/model.h5" else None
        )
        world.look()
        assert world.versions() == [("b", 1), ("c", 1)]

    def test_a_full_disk_is_told_and_passes(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object) -> str:
            raise OSError(errno.ENOSPC, "No space left on device")

        world.remote.put_version("m/1", {"model.h5": H5})
        with monkeypatch.context() as context:
            context.setattr(Content, "fetch", full)
            world.look()
        assert "No space left" in world.status()[1]
        world.look()
        assert world.versions() == [("m", 1)]


class TestRestart:
    def test_without_the_network_what_is_mirrored_is_there(self, world: World) -> None:
        world.remote.put_version("m/1", {"model.h5": H5})
        world.look()
        before = scan(world.mirror.models)
        world.away(TimeoutError())
        world.begin()
        world.look()
        assert scan(world.mirror.models) == before

    def test_without_the_network_and_without_a_mirror_there_is_no_repository(
        self, world: World
    ) -> None:
        world.away(TimeoutError())
        world.look()
        with pytest.raises(FileNotFoundError):
            scan(world.mirror.models)

    def test_nothing_is_fetched_again(self, world: World) -> None:
        world.remote.put_version("m/1", {"model.h5": H5})
        world.remote.put("bare.h5", H5 + b"bare")
        world.settle()
        world.begin()
        world.remote.store.calls.clear()
        world.look()
        assert world.remote.store.calls == [("infos", "")]
        assert len(world.versions()) == 2

    @pytest.mark.parametrize("at", ["_put", "_remove", "_take_away"])
    def test_a_kill_while_it_is_placed_is_mended_without_the_network(
        self, world: World, at: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in (1, 2, 3):
            world.remote.put_version(f"m/{number}", {"model.h5": H5 + str(number).encode()})
        world.look()
        world.remote.remove("m/1/model.h5", "m/1/manifest.json")
        world.remote.put_version("m/2", {"model.h5": H5 + b"changed"})
        with monkeypatch.context() as context:
            context.setattr(Mirror, at, _die)
            with pytest.raises(KeyboardInterrupt):
                world.look()
        world.away(TimeoutError())
        world.begin()
        assert world.versions() == [("m", 2), ("m", 3)]
        assert world.lies()["m/2/model.h5"] == H5 + b"changed"

    def test_the_mirror_of_another_repository_is_not_served(self, world: World) -> None:
        world.remote.put_version("m/1", {"model.h5": H5})
        world.look()
        world.move()
        world.away(TimeoutError())
        world.begin()
        assert not world.mirror.models.exists()

    @pytest.mark.parametrize("name", ["index.json", "plan.json", "record.json", "status.json"])
    @pytest.mark.parametrize("content", [b"", b"[1, 2]", b"{", b'{"a": {}}'], ids=ascii)
    def test_a_torn_file_of_the_mirror_is_no_end(
        self, world: World, name: str, content: bytes
    ) -> None:
        world.remote.put_version("m/1", {"model.h5": H5})
        world.look()
        (world.folder / name).write_bytes(content)
        world.begin()
        world.look()
        assert world.versions() == [("m", 1)]
        assert json.loads((world.folder / "record.json").read_bytes()).keys() == {
            "m/1/manifest.json", "m/1/model.h5",
        }  # fmt: skip


def _die(*_: object) -> Callable[[], None]:
    raise KeyboardInterrupt


def test_content_that_somebody_removed_is_fetched_again_and_told_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.remote.put_version("m/1", {"model.h5": H5})
    world.look()
    world.remote.put_version("m/2", {"model.h5": H5 + b"2"})
    world.syncing.step(world.now + POLL_S)  # and before it is placed
    for path in (world.folder / "content").iterdir():
        path.unlink()
    for _ in range(5):
        world.place()
    told = [record for record in caplog.records if "is gone" in record.getMessage()]
    assert len(told) == 1
    assert world.versions() == [("m", 1)]
    world.look()
    assert world.versions() == [("m", 1), ("m", 2)]
