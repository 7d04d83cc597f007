"""Gives the memory of ended versions back to the machine, in a thread of its own.

Dropping a large session takes tens of milliseconds and holds the interpreter meanwhile: what can go
without that goes first, and nothing of it happens on the event loop.
"""

import logging
import queue
import threading
from collections.abc import Callable

from service.base.resident import give_back

logger = logging.getLogger(__name__)

QUIET_S = 0.5  # free memory is returned after this much rest: it holds up who wants some just then

Dispose = Callable[[], None]


class Disposal:
    """What is added holds the memory: it is called, then forgotten. The first starts the thread."""

    def __init__(self, trim: Callable[[], None] = give_back) -> None:
        self.count = 0  # how many it has disposed of
        self._trim = trim
        self._waiting: queue.SimpleQueue[Dispose | None] = queue.SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, dispose: Dispose) -> None:
        """Take it over; returns at once."""
        self._waiting.put(dispose)
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="disposal", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """End the thread after all that was added so far."""
        self._waiting.put(None)
        if self._thread is not None:
            self._thread.join()

    def _loop(self) -> None:
        wait_s: float | None = None
        while True:
            try:
                dispose = self._waiting.get(timeout=wait_s)
            except queue.Empty:
                self._trim()
                wait_s = None
                continue
            if dispose is None:
                break
            try:
                dispose()
            except Exception:
                logger.exception("disposal failed")
            del dispose  # and with it the last that holds the memory
            self.count += 1
            wait_s = QUIET_S
        self._trim()
