"""A remote repository in memory: fsspec's own file system, with failures at will."""

import itertools
import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from service.base.http_errors import RemoteAway
from service.repository.remote.address import Address, read_address
from service.repository.remote.bucket import Bucket
from service.repository.remote.system import Store, open_store

NUMBERS = itertools.count(1)


class Failing:
    """A store that can be away, for all calls or for those that a rule picks."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.calls: list[tuple[str, str]] = []
        self.fails: Callable[[str, str], Exception | None] = lambda _method, _key: None
        self.fails_after: Callable[[str, str], Exception | None] = lambda _method, _key: None

    def call(self, method: str, key: str, *args: Any, deadline_s: float, **more: Any) -> Any:
        self._meet(method, key)
        answer = self._store.call(method, key, *args, deadline_s=deadline_s, **more)
        self._lose(method, key)
        return answer

    def put(self, file: Path, key: str, part: int, deadline_s: float) -> None:
        self._meet("put", key)
        self._store.put(file, key, part, deadline_s)
        self._lose("put", key)

    def infos(self, below: str, most: int, deadline_s: float) -> dict[str, dict[str, Any]]:
        self._meet("infos", below)
        try:
            return self._store.infos(below, most, deadline_s)
        except FileNotFoundError:  # as S3, where folders are no things
            return {}

    def _lose(self, method: str, key: str) -> None:
        """The answer of what was done."""
        error = self.fails_after(method, key)
        if error is not None:
            raise error

    def _meet(self, method: str, key: str) -> None:
        self.calls.append((method, key))
        error = self.fails(method, key)
        if error is not None:
            raise error


class Remote:
    """One bucket in memory, with the calls of an operator."""

    def __init__(self) -> None:
        self.address = read_address(f"memory://bucket{next(NUMBERS)}/models", "repository")
        self.store = Failing(open_store(self.address))
        self.bucket = Bucket(self.address, self._open)
        self._plain = Bucket(self.address)

    def _open(self, _address: Address) -> Store:
        return self.store  # type: ignore[return-value]

    def put(self, key: str, content: bytes = b"\x89HDF\r\n\x1a\nmodel") -> None:
        self._plain.write(key, content)

    def put_version(self, place: str, files: dict[str, bytes], **about: Any) -> None:
        """Files, then the manifest."""
        for name, content in files.items():
            self.put(f"{place}/{name}", content)
        digests = {name: {"sha256": sha256(content).hexdigest()} for name, content in files.items()}
        self.put(f"{place}/manifest.json", json.dumps({"files": digests, **about}).encode())

    def remove(self, *keys: str) -> None:
        self._plain.remove(keys)

    def names(self) -> list[str]:
        try:
            return sorted(self._plain.objects())
        except RemoteAway:  # there is no such folder
            return []

    def read(self, key: str) -> bytes:
        return self._plain.read(key, 1024**2)


def tree_of(folder: Path) -> dict[str, bytes]:
    """All that lies in a folder, by path."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
