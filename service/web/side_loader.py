"""Loads versions one at a time in a thread of its own: such as may keep it waiting for long.

What another process runs is measured and warmed over there. If that process hangs, nothing here may
wait for it but its own versions.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic

from service.repository.states import VersionRow
from service.runtime.slot import Served

CLOSE_WAIT_S = 1.0


@dataclass(frozen=True, slots=True)
class Loaded(Generic[Served]):
    """How one load ended: with a version, or with what it raised."""

    row: VersionRow
    took_s: float
    served: Served | None = None
    error: Exception | None = None


class SideLoader(Generic[Served]):
    """`begin` and `take` belong to one thread; `on_end` is called in the other when a load ends."""

    def __init__(self, load_version: Callable[[VersionRow], Served]) -> None:
        self.on_end: Callable[[], object] = _nothing
        self._load_version = load_version
        self._lock = threading.Lock()
        self._row: VersionRow | None = None
        self._ended: Loaded[Served] | None = None
        self._is_closed = False
        self._thread: threading.Thread | None = None

    @property
    def is_busy(self) -> bool:
        """True from a load's beginning until its end was taken."""
        return self._row is not None

    def begin(self, row: VersionRow) -> None:
        """Load a version; only one is under way at a time."""
        self._row = row
        self._thread = threading.Thread(
            target=self._load, args=(row,), name="side-loader", daemon=True
        )
        self._thread.start()

    def take(self) -> Loaded[Served] | None:
        """The end of the load, once; what is done with it is the caller's."""
        with self._lock:
            ended, self._ended = self._ended, None
        if ended is not None:
            self._row = None
        return ended

    def close(self, wait_s: float = CLOSE_WAIT_S) -> None:
        """Close what comes from now on; a load that hangs isn't waited for."""
        with self._lock:
            ended, self._ended = self._ended, None
            self._is_closed = True
        if ended is not None and ended.served is not None:
            ended.served.close()
        if self._thread is not None:
            self._thread.join(wait_s)

    def _load(self, row: VersionRow) -> None:
        ended = self._try(row)
        with self._lock:
            is_late = self._is_closed
            if not is_late:
                self._ended = ended
        if is_late and ended.served is not None:
            ended.served.close()
        self.on_end()

    def _try(self, row: VersionRow) -> Loaded[Served]:
        started = time.perf_counter()
        try:
            served = self._load_version(row)
        except Exception as error:
            return Loaded(row, time.perf_counter() - started, error=error)
        return Loaded(row, time.perf_counter() - started, served)


def _nothing() -> None:
    """Until somebody waits for the end."""
