"""What was fetched lies there once, and what can't be fetched whole takes no room."""

import errno
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from service.base.http_errors import RemoteAway
from service.repository.remote import content as content_module
from service.repository.remote.bucket import Object
from service.repository.remote.content import Content

TEN = b"0123456789"


@pytest.fixture
def content(tmp_path: Path) -> Content:
    content = Content(tmp_path)
    content.open()
    return content


def parts(folder: Path) -> list[int]:
    """The sizes of what has begun to come."""
    return [part.stat().st_size for part in (folder / "parts").iterdir()]


class TestLength:
    def test_more_bytes_than_listed_are_not_taken(self, content: Content, tmp_path: Path) -> None:
        came = 0

        def endless(_start: int) -> Iterator[bytes]:
            nonlocal came
            while True:
                came += 7
                yield b"1234567"

        with pytest.raises(RemoteAway, match="longer than it was listed"):
            content.fetch("m.h5", Object(10, "t"), endless)
        assert came == 14
        assert [part.stat().st_size for part in (tmp_path / "parts").iterdir()] == [0]
        assert content.known("m.h5", Object(10, "t")) == ""
        digest = content.fetch("m.h5", Object(10, "t"), lambda start: [b"0123456789"[start:]])
        assert digest == sha256(b"0123456789").hexdigest()

    def test_fewer_are_not_taken_and_gone_on_with(self, content: Content) -> None:
        with pytest.raises(RemoteAway, match="shorter than it was listed"):
            content.fetch("m.h5", Object(10, "t"), lambda _: [b"0123"])
        starts: list[int] = []

        def rest(start: int) -> list[bytes]:
            starts.append(start)
            return [b"0123456789"[start:]]

        content.fetch("m.h5", Object(10, "t"), rest)
        assert starts == [4]

    def test_the_beginning_of_an_object_stays_while_that_is_listed(
        self, content: Content, tmp_path: Path
    ) -> None:
        listed = {"m.h5": Object(10, "t"), "n.h5": Object(10, "t")}
        for key, found in listed.items():
            with pytest.raises(RemoteAway):
                content.fetch(key, found, lambda _: [b"0123"])
        taken = tmp_path / "parts" / f"taken-1-{'0' * 64}"
        taken.write_bytes(b"another process writes it")
        assert content.prune(set(), [("m.h5", listed["m.h5"])]) == 1
        assert len(list((tmp_path / "parts").iterdir())) == 2
        late = Content(tmp_path, wall_clock=lambda: 4e9)
        late.open()
        assert late.prune(set(), [("m.h5", listed["m.h5"])]) == 1
        assert not taken.exists()


class TestIndex:
    def test_it_is_saved_when_it_has_changed_and_not_too_often(self, tmp_path: Path) -> None:
        now = [1000.0]
        content, index = Content(tmp_path, lambda: now[0]), tmp_path / "index.json"
        content.open()
        content.save(1.0)
        assert not index.exists()
        content.fetch("m.h5", Object(10, "t"), lambda _: [TEN])
        content.save(1.0)
        before = index.read_bytes()
        content.fetch("n.h5", Object(10, "t"), lambda _: [TEN])
        now[0] += 0.9
        content.save(1.0)
        assert index.read_bytes() == before
        now[0] += 0.2
        content.save(1.0)
        assert index.read_bytes() != before
        index.unlink()
        content.fetch("o.h5", Object(10, "t"), lambda _: [TEN])
        content.save()
        assert index.exists()


class TestRoom:
    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
    def test_on_a_full_disk_the_beginning_goes(
        self, content: Content, tmp_path: Path, number: int
    ) -> None:
        def ends_full(_start: int) -> Iterator[bytes]:
            yield b"0123"
            raise OSError(number, os.strerror(number))

        with pytest.raises(OSError, match=os.strerror(number)):
            content.fetch("m.h5", Object(10, "t"), ends_full)
        assert parts(tmp_path) == []

    def test_what_has_begun_needs_no_more_room_than_the_rest(
        self, content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begun, other = Object(10, "t"), Object(5, "t")
        with pytest.raises(RemoteAway):
            content.fetch("m.h5", begun, lambda _: [b"0123"])
        monkeypatch.setattr(content_module, "free_room", lambda _: 11)
        assert content.has_room({"m.h5": begun, "n.h5": other})
        monkeypatch.setattr(content_module, "free_room", lambda _: 10)
        assert content.has_room({"n.h5": other})
        assert parts(tmp_path) == [4]
        assert not content.has_room({"m.h5": begun, "n.h5": other})
        assert parts(tmp_path) == []

    def test_an_upload_is_not_kept_where_it_has_no_room(
        self, content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file, digest = tmp_path / "upload", sha256(TEN).hexdigest()
        file.write_bytes(TEN)
        monkeypatch.setattr(content_module, "free_room", lambda _: 9)
        content.take(file, digest)
        assert not content.has(digest)
        monkeypatch.undo()
        content.take(file, digest)
        assert content.path(digest).read_bytes() == TEN
        assert parts(tmp_path) == []


class TestSame:
    def test_the_same_bytes_under_another_key_change_nothing(
        self, content: Content, tmp_path: Path
    ) -> None:
        digest = content.fetch("m/1/model.h5", Object(10, "a"), lambda _: [TEN])
        served = tmp_path / "model.h5"
        os.link(content.path(digest), served)
        before = served.stat()
        assert content.fetch("m/2/model.h5", Object(10, "b"), lambda _: [TEN]) == digest
        content.take(served, digest)
        assert served.stat() == before
        assert parts(tmp_path) == []
        assert content.known("m/2/model.h5", Object(10, "b")) == digest

    def test_bytes_that_were_torn_are_replaced(self, content: Content) -> None:
        found = Object(10, "t")
        digest = content.fetch("m.h5", found, lambda _: [TEN])
        content.path(digest).write_bytes(b"0123")
        assert content.known("m.h5", found) == ""
        content.fetch("m.h5", found, lambda _: [TEN])
        assert content.path(digest).read_bytes() == TEN
