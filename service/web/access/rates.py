"""How often each key has asked, counted over all workers of this host.

One number a key lies in a file that all workers have in their memory: the time at which it would
have used nothing (the "theoretical arrival time" of the generic cell rate algorithm). A request
moves it by one interval, and is refused if it lies a whole period ahead.
"""

import fcntl
import hashlib
import logging
import mmap
import os
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

from service.base.rate import NANOSECONDS, Rate

logger = logging.getLogger(__name__)

PLACES = 4096
WINDOW = 16  # where a key's number may lie, from its first place on
PLACE = struct.Struct("=QQ")  # digest of the name, time in nanoseconds of this host's clock
SIZE = (PLACES + WINDOW) * PLACE.size
PATIENCE_NS = 20_000_000
SULK_NS = 1_000_000_000  # after a lock that never came free, it is tried once a request only
PAUSE_S = 0.00005


class RateBook:
    """The file of numbers; the first worker makes it. Safe for threads and processes."""

    def __init__(self, path: Path, clock: Callable[[], int] = time.monotonic_ns) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._clock = clock
        self._mutex = threading.Lock()
        self._sulks_until = 0
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._memory = self._map()

    def take(self, name: str, rate: Rate) -> int:
        """Count one request: 0 if it may be answered, else the seconds until the next may."""
        with self._mutex:
            is_locked = self._lock()
            try:
                return self._take(_digest(name), rate)
            finally:
                if is_locked:
                    fcntl.flock(self._handle, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the file; others keep theirs."""
        with self._mutex:
            self._memory.close()
            os.close(self._handle)

    def _map(self) -> mmap.mmap:
        """The file's memory, with its room on the disk: without, writing to it ends the process."""
        try:
            os.posix_fallocate(self._handle, 0, SIZE)
            return mmap.mmap(self._handle, SIZE)
        except OSError as error:
            logger.error("rates are counted by each worker alone", extra={"reason": str(error)})
            return mmap.mmap(-1, SIZE)

    def _lock(self) -> bool:
        """Hold the lock that others need for a microsecond; false if somebody keeps it.

        A worker may be stopped while it holds it. The others mustn't stop with it: they go on
        without the lock, and may count some requests that come at the same time wrong.
        """
        began = 0
        while True:
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                now = time.monotonic_ns()
                began = began or now
                if now < self._sulks_until:
                    return False
                if now > began + PATIENCE_NS:
                    self._sulks_until = now + SULK_NS
                    return False
                time.sleep(PAUSE_S)  # whoever holds it needs the processor

    def _take(self, key: int, rate: Rate) -> int:
        now = self._clock()
        place, free_at = self._find(key, now)
        if not now < free_at <= now + rate.period_ns:
            free_at = now  # unused, or of a time before this machine started
        wait = free_at + rate.interval_ns - now - rate.period_ns
        if wait > 0:
            return -(-wait // NANOSECONDS)
        PLACE.pack_into(self._memory, place, key, free_at + rate.interval_ns)
        return 0

    def _find(self, key: int, now: int) -> tuple[int, int]:
        """The key's place and time; for a new one, a place whose number says nothing any more."""
        first = key % PLACES * PLACE.size
        best, best_at = first, 1 << 64
        for place in range(first, first + WINDOW * PLACE.size, PLACE.size):
            found, free_at = PLACE.unpack_from(self._memory, place)
            if found == key:
                return place, free_at
            if free_at < best_at:
                best, best_at = place, free_at
        return best, now


def _digest(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest()) or 1
