"""Compiled versions that may have to be fetched: a folder, and perhaps an address behind it."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from service.base.settings import Settings


class Store(Protocol):
    """Where compiled versions are put for others."""

    def put(self, folder: Path) -> None:
        """Have a compiled folder there. Raises RemoteAway, ArtefactCorrupt."""

    def lacks(self, folder: Path) -> bool:
        """Whether something of it isn't there. Raises RemoteAway, ArtefactCorrupt."""

    def is_whole(self, key: str) -> bool:
        """Whether what is there is what was put; all of it is read. Raises RemoteAway."""

    def fetch(self, key: str, target: Path) -> bool:
        """Make a folder of what is there. Raises RemoteAway, ArtefactCorrupt, OSError."""

    def remove(self, key: str) -> None:
        """Take away what is corrupt. Raises RemoteAway."""


class CompiledStore:
    """The folder of one machine; without a store behind it all that is there is there."""

    def __init__(self, folder: Path, open_store: Callable[[], Store] | None = None) -> None:
        self.folder = folder
        self._open = open_store
        self._store: Store | None = None

    @property
    def store(self) -> Store | None:
        """What is behind the folder, opened at its first use; none if nothing is."""
        if self._store is None and self._open is not None:
            self._store = self._open()
        return self._store

    @property
    def is_shared(self) -> bool:
        """Whether there is a store behind the folder; none is opened to tell."""
        return self._open is not None

    def must_fetch(self, key: str) -> bool:
        """True where a version isn't here and may be elsewhere."""
        return self._open is not None and not (self.folder / key).is_dir()

    def bring(self, key: str) -> bool:
        """Have the version here, if it is anywhere; one process of this machine fetches it.

        Raises RemoteAway, ArtefactCorrupt, OSError.
        """
        if not self.must_fetch(key):
            return (self.folder / key).is_dir()
        assert self.store is not None
        with _alone(self.folder / f".{key}.lock"):
            return (self.folder / key).is_dir() or self.store.fetch(key, self.folder / key)


def open_compiled_store(settings: Settings) -> CompiledStore:
    """That of the settings."""
    folder = settings.compiled_path.absolute()
    return CompiledStore(folder, _opener(settings) if settings.compiled_url else None)


def _opener(settings: Settings) -> Callable[[], Store]:
    def open_store() -> Store:
        # fsspec, which others don't need
        from service.repository.remote.artefacts import Artefacts
        from service.repository.remote.places import open_compiled

        return Artefacts(open_compiled(settings))

    return open_store


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Wait for others of this machine that fetch the same."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
        lock.unlink(missing_ok=True)
    finally:
        os.close(handle)
