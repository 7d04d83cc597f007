"""When a stream has its connection wait and go on, seen from the connection."""

import asyncio
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.base.errors import KerasdError
from service.base.http_errors import StorageFull
from service.web.upload.head import UploadHead
from service.web.upload.receiver import Receiver, Rules
from service.web.upload.stream import PAUSE_AT, Stream

PIECE = b"\x89HDF\r\n\x1a\n".ljust(256 * 1024, b"x")
LIMIT = 64 * 1024**2


class Line:
    """What the connection was told, in order."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pause(self) -> None:
        self.told.append("pause")

    def go_on(self) -> None:
        self.told.append("go on")

    def fail(self, error: KerasdError) -> None:
        self.told.append(error.code)


class SlowReceiver(Receiver):
    """Writes when it is let; then it may fail."""

    def __init__(self, folder: Path, error: Exception | None = None) -> None:
        super().__init__(UploadHead("m"), Rules(folder, LIMIT), lambda: None)
        self.error = error
        self.go_on = threading.Event()

    def write(self, pieces: Iterable[bytes | bytearray]) -> None:
        self.go_on.wait(20)
        if self.error is not None:
            raise self.error
        super().write(pieces)


def stream_to(
    folder: Path, finish: Callable[[Stream], object], error: Exception | None = None
) -> tuple[list[str], Stream]:
    """Send more than a stream keeps, end it somehow, and let the disk go on."""
    line, receiver = Line(), SlowReceiver(folder / "incoming", error)

    async def send() -> Stream:
        with ThreadPoolExecutor(1) as threads:
            stream = Stream(receiver, receiver._rules, threads, line)
            while stream._is_writing:  # it finds out whether the body may come
                await asyncio.sleep(0.01)
            while "pause" not in line.told:
                assert stream.add(PIECE)
            assert PAUSE_AT < stream.size < PAUSE_AT + 2 * len(PIECE) + 1
            finish(stream)
            receiver.go_on.set()
            await asyncio.sleep(0)
            while stream._is_writing:
                await asyncio.sleep(0.01)
            stream.close()
        return stream

    return line.told, asyncio.run(send())


def test_it_goes_on_when_the_disk_has_caught_up(tmp_path: Path) -> None:
    told, _ = stream_to(tmp_path, lambda stream: None)
    assert told == ["pause", "go on"]


def test_a_body_that_came_whole_is_written_whole(tmp_path: Path) -> None:
    told, stream = stream_to(tmp_path, Stream.take)
    assert told == ["pause", "go on"]
    assert stream._written.result(0) is None


def test_what_ends_early_lets_the_connection_go_on(tmp_path: Path) -> None:
    told, _ = stream_to(tmp_path, Stream.close)
    assert told == ["pause", "go on"]
    assert list((tmp_path / "incoming").iterdir()) == []


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_failure_is_told_once_to_who_waits(tmp_path: Path, is_whole: bool) -> None:
    full = StorageFull("no room")
    told, stream = stream_to(tmp_path, Stream.take if is_whole else lambda _: None, full)
    if is_whole:
        assert told == ["pause", "go on"]
        with pytest.raises(StorageFull, match="no room"):
            stream.finish()
    else:
        assert told == ["pause", "storage_full"]
