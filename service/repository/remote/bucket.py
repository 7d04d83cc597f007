"""One place at a remote store: a few calls, each with a deadline, each failing with one error.

Nothing is cached here, and never more than a piece of an object is in memory.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from service.base.http_errors import RemoteAway
from service.repository.remote.address import Address
from service.repository.remote.system import Store, open_store
from service.repository.remote.trouble import is_beyond, is_taken, is_unknown, told

CALL_S = 30.0  # a small call, or one piece
LIST_S = 120.0
BYTES_A_SECOND = 100_000  # a line slower than this is no line
PIECE = 8 * 1024**2
PART = 16 * 1024**2  # of an upload
LONGEST_SHOWN = 200
MOST_OBJECTS = 100_000
TAGS = (
    "ETag",
    "etag",
    "md5Hash",
    "generation",
    "created",
    "mtime",
    "LastModified",
    "last_modified",
)
TIMES = ("LastModified", "last_modified", "mtime", "created")
UNTAGGED = "untagged"  # by a store that tells sizes only


@dataclass(frozen=True, slots=True)
class Object:
    """What a listing tells of an object; `tag` changes with its content."""

    size: int
    tag: str


class Bucket:
    """`name` is what errors call it. `open_store` is called once, by whoever calls first: a client
    has a thread of its own, which no fork takes along.
    """

    def __init__(
        self,
        address: Address,
        open_store: Callable[[Address], Store] = open_store,
        name: str = "remote repository",
    ) -> None:
        self.address = address
        self._name = name
        self._open = open_store
        self._lock = threading.Lock()
        self._opened: Store | None = None

    def objects(self, below: str = "") -> dict[str, Object]:
        """Every object, by its key below the root: all of them, or RemoteAway is raised."""
        with self._told(below):
            infos = self._store.infos(below, MOST_OBJECTS + 1, LIST_S)
        if len(infos) > MOST_OBJECTS:
            raise RemoteAway(self._place(""), f"it holds more than {MOST_OBJECTS} objects")
        return {key: _object(info) for key, info in infos.items()}

    def read(self, key: str, most: int) -> bytes:
        """A small object. Raises RemoteAway, ValueError where it has more bytes than `most`."""
        content = self.piece(key, 0, most + 1)
        if len(content) > most:
            raise ValueError(f"{key} is larger than {most} bytes")
        return content

    def piece(self, key: str, start: int, end: int) -> bytes:
        """Bytes of an object from `start` to before `end`, or fewer at its end."""
        deadline_s = CALL_S + (end - start) / BYTES_A_SECOND
        with self._told(key):
            try:
                content = self._store.call(
                    "cat_file", key, start=start, end=end, deadline_s=deadline_s
                )
            except Exception as error:
                if is_beyond(error):
                    return b""
                raise
            return bytes(content)

    def pieces(self, key: str, start: int, size: int) -> Iterator[bytes]:
        """An object of this size from `start` on. Raises RemoteAway where it has become shorter."""
        while start < size:
            end = min(start + PIECE, size)
            piece = self.piece(key, start, end)
            if len(piece) != end - start:
                is_shorter = not piece  # a network cuts off in the middle
                raise RemoteAway(
                    self._place(key), "it changed, or was cut off", is_of_object=is_shorter
                )
            yield piece
            start = end

    def look(self, key: str) -> Object | None:
        """What is there now under a key; none if nothing is."""
        with self._told(key):
            try:
                info = self._call("info", key)
            except FileNotFoundError:
                return None
        return _object(info) if info["type"] == "file" else None

    def written_at(self, key: str) -> float | None:
        """When an object was written, by the store's clock; none if it isn't there or told."""
        with self._told(key):
            try:
                info = self._call("info", key)
            except FileNotFoundError:
                return None
        times = (info.get(name) for name in TIMES)
        return next((at.timestamp() for at in times if isinstance(at, datetime)), None)

    def create(self, key: str, content: bytes) -> bool:
        """Write an object that isn't there yet; false if it is there.

        In one step where the store knows such a condition: else two may believe that theirs is new.
        After a lost answer it may be there by this very call. So whoever asks must look.
        """
        with self._told(key):
            try:
                self._call("pipe_file", key, content, mode="create")
            except Exception as error:
                if is_taken(error):
                    return False
                if not is_unknown(error):
                    raise
            else:
                return True
        if self.look(key) is not None:
            return False
        self.write(key, content)
        return True

    def write(self, key: str, content: bytes) -> None:
        """Write a small object, whatever was there."""
        with self._told(key):
            self._call("pipe_file", key, content)

    def put(self, key: str, file: Path) -> None:
        """Write an object from a file, in parts if it is large."""
        deadline_s = CALL_S + file.stat().st_size / BYTES_A_SECOND
        with self._told(key):
            self._store.put(file, key, PART, deadline_s)

    def remove(self, keys: Iterable[str]) -> None:
        """Remove objects in this order; one that isn't there is no matter."""
        for key in keys:
            with self._told(key):
                try:
                    self._call("rm_file", key)
                except FileNotFoundError:
                    continue

    def _place(self, key: str) -> str:
        if not key:
            return f"The {self._name}"
        shown = key[:LONGEST_SHOWN].encode("unicode_escape").decode()
        return f"{shown} in the {self._name}"

    @property
    def _store(self) -> Store:
        with self._lock:
            if self._opened is None:
                self._opened = self._open(self.address)
            return self._opened

    def _call(self, method: str, key: str, *args: Any, **more: Any) -> Any:
        return self._store.call(method, key, *args, deadline_s=CALL_S, **more)

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        """Whatever a client library raises becomes RemoteAway, without its own words."""
        try:
            yield
        except RemoteAway:
            raise
        except Exception as error:
            raise told(error, self._place(key)) from None


def _object(info: dict[str, Any]) -> Object:
    tags = (_tag(info[name]) for name in TAGS if info.get(name) not in (None, ""))
    return Object(int(info.get("size") or 0), next(tags, UNTAGGED))


def _tag(value: Any) -> str:
    """Listings and single answers may have the same time in two forms."""
    return str(value.timestamp() if isinstance(value, datetime) else value).strip('"')
