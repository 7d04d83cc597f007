"""Removes compiled versions that nothing has named for a day; only such as were named before.

What was compiled by hand, and what a read-only cache holds, is never touched: a folder goes only
after this controller has seen its last name go and could write that down beside it.
"""

import logging
import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from service.base.compiled import UNNAMED, discard, unnamed_mark
from service.repository.store import VersionStore

logger = logging.getLogger(__name__)

KEEP_S = 24 * 3600.0
LOOK_EVERY_S = 600.0


class Leftovers:
    """A file `<key>.unnamed` in the cache tells by its time since when nothing names `<key>`."""

    def __init__(
        self, store: VersionStore, compiled_dir: Path, wall_clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._compiled_dir = compiled_dir
        self._wall_clock = wall_clock
        self._named: frozenset[str] = frozenset()
        self._look_at = 0.0

    def start(self, named: Iterable[str]) -> None:
        """What a predecessor has named last."""
        self._named = frozenset(named)

    def step(self, named: Iterable[str], now: float) -> None:
        """Note what has lost its name since the last step; now and then remove what is old."""
        names = frozenset(named)
        for key in self._named - names:
            self._mark(key)
        for key in names - self._named:
            self._unmark(key)
        self._named = names
        if now >= self._look_at:
            self._look_at = now + LOOK_EVERY_S
            self._remove_old()

    def _mark(self, key: str) -> None:
        if not (self._compiled_dir / key).is_dir():
            return
        mark, at = self._mark_of(key), self._wall_clock()
        with suppress(OSError):  # a cache that can't be written keeps what it has
            mark.touch()
            os.utime(mark, (at, at))

    def _unmark(self, key: str) -> None:
        with suppress(OSError):
            self._mark_of(key).unlink(missing_ok=True)

    def _remove_old(self) -> None:
        old = [mark.stem for mark in self._compiled_dir.glob(f"*{UNNAMED}") if self._is_old(mark)]
        if not old:
            return
        needed = self._named | self._store.artefacts()
        for key in old:
            if key not in needed and self._is_old(self._compiled_dir / key):
                self._remove(key)

    def _is_old(self, path: Path) -> bool:
        """Whether it has been so for long; a folder isn't that was compiled again meanwhile."""
        try:
            return path.lstat().st_mtime <= self._wall_clock() - KEEP_S
        except FileNotFoundError:  # gone already
            return True
        except OSError:
            return False

    def _remove(self, key: str) -> None:
        folder = self._compiled_dir / key
        discard(folder)  # out of sight in one step
        shutil.rmtree(folder.with_name(f"{key}.corrupt"), ignore_errors=True)
        if not folder.exists():
            self._unmark(key)
            logger.info("compiled version removed, nothing names it", extra={"artefact": key})

    def _mark_of(self, key: str) -> Path:
        return unnamed_mark(self._compiled_dir / key)
