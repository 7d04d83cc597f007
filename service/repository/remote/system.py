"""fsspec's file systems as they are used here: called with deadlines, listed whole or not at all.

The one module that knows fsspec; it is imported only where an address is set.
"""

import logging
from pathlib import Path
from typing import Any

from fsspec.asyn import AsyncFileSystem, sync
from fsspec.core import url_to_fs

from service.repository.remote.address import Address

CONNECT_S = 5
IDLE_S = 15  # without a byte
TRIES = 2
# Their debug lines hold signed requests, and tokens.
TALKATIVE = ("botocore", "aiobotocore", "s3fs", "gcsfs", "adlfs", "azure", "fsspec", "aiohttp")

Info = dict[str, Any]


class Store:
    """One file system; keys are relative to `root`."""

    def __init__(self, system: Any, root: str) -> None:
        self._system = system
        self._root = root.strip("/")

    def call(self, method: str, key: str, *args: Any, deadline_s: float, **more: Any) -> Any:
        """Call a method of the file system; a blocking one has its own idea of time."""
        path = self._path(key)
        return self._run(method, path, *args, deadline_s=deadline_s, **more)

    def put(self, file: Path, key: str, part: int, deadline_s: float) -> None:
        """Write an object from a file."""
        sizes = {"chunksize": part, "max_concurrency": 1} if self._is_s3 else {}
        self._run("put_file", str(file), self._path(key), deadline_s=deadline_s, **sizes)

    def infos(self, below: str, most: int, deadline_s: float) -> dict[str, Info]:
        """Every object below a folder, at most so many; by key."""
        place = self._path(below) if below else self._root
        if self._is_s3:
            infos = sync(self._system.loop, self._s3_objects, place, most, timeout=deadline_s)
        elif _finds_by_itself(self._system):
            infos = self._run("find", place, deadline_s=deadline_s, detail=True).values()
        else:
            infos = self._walk(place, most)
        found = {}
        for info in infos:
            name = str(info["name"]).lstrip("/")
            if info.get("type") == "file" and name.startswith(f"{self._root}/"):
                found[name[len(self._root) + 1 :]] = info
        return found

    @property
    def _is_s3(self) -> bool:
        return hasattr(self._system, "call_s3")

    async def _s3_objects(self, place: str, most: int) -> list[Info]:
        """Page by page, an error of any page is one of the whole; a client's `find` has no end."""
        bucket, _, folder = place.partition("/")
        found: list[Info] = []
        prefix = f"{folder}/" if folder else ""
        async for info in self._system._iterdir(bucket, delimiter="", prefix=prefix):
            found.append({name: info.get(name) for name in ("name", "type", "size", "ETag")})
            if len(found) >= most:
                break
        return found

    def _walk(self, place: str, most: int) -> list[Info]:
        found: list[Info] = []
        for _, _, files in self._system.walk(place, detail=True, on_error="raise"):
            found += files.values()
            if len(found) >= most:
                break
        return found

    def _run(self, method: str, *args: Any, deadline_s: float, **more: Any) -> Any:
        system = self._system
        if isinstance(system, AsyncFileSystem):
            call = getattr(system, f"_{method}")
            return sync(system.loop, call, *args, timeout=deadline_s, **more)
        return getattr(system, method)(*args, **more)

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}"


def open_store(address: Address) -> Store:
    """The store at an address, with credentials from where its client looks for them."""
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    options: dict[str, Any] = {"skip_instance_cache": True, "use_listings_cache": False}
    if address.scheme in ("s3", "s3a"):
        retries = {"max_attempts": TRIES, "mode": "standard"}
        times = {"connect_timeout": CONNECT_S, "read_timeout": IDLE_S, "retries": retries}
        options["config_kwargs"] = times
    system, root = url_to_fs(str(address), **options)
    if address.scheme in ("s3", "s3a"):
        system.retries = TRIES
    return Store(system, root)


def _finds_by_itself(system: Any) -> bool:
    """Whether `find` is the client's own; fsspec's general one takes errors for empty folders."""
    ours = isinstance(system, AsyncFileSystem)
    return ours and type(system)._find is not AsyncFileSystem._find
