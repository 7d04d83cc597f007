"""Ends runs that are beyond their deadline: one thread for all runs of a process.

A run is one entry in a dictionary while it lasts. The thread looks at the entries every TICK_S
while there are any, and sleeps while there are none, so a run pays for two dictionary operations.
"""

import logging
import threading
import time
from typing import Protocol

logger = logging.getLogger(__name__)

TICK_S = 0.02


class Stoppable(Protocol):
    """What a run looks at now and then; ONNX Runtime's RunOptions, between two operators."""

    terminate: bool


class Watchdog:
    """Starts its thread at the first run; `step` is public so that tests call it with their time.

    What is guarded must be fresh for every run: it may be told to stop just after its end.
    """

    def __init__(self) -> None:
        self._running: dict[Stoppable, float] = {}
        self._is_asleep = True
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def guard(self, run: Stoppable, deadline: float) -> None:
        """Have `run` stopped once `time.monotonic` has reached the deadline."""
        self._running[run] = deadline
        if self._is_asleep:
            self._rouse()

    def release(self, run: Stoppable) -> None:
        """The run has ended."""
        del self._running[run]

    def step(self, now: float) -> None:
        """Stop every run whose deadline has come."""
        for run, deadline in self._running.copy().items():
            if now >= deadline:
                run.terminate = True

    def close(self) -> None:
        """End the thread; runs under way go on."""
        with self._starting:
            self._closing.set()
            self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def _rouse(self) -> None:
        with self._starting:
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._loop, name="watchdog", daemon=True)
                self._thread.start()
        self._wake.set()

    def _loop(self) -> None:
        while not self._closing.is_set():
            self._is_asleep = True  # before the look: a run that begins after it rouses
            if not self._running:
                self._wake.wait()
            self._wake.clear()
            self._is_asleep = False
            self._watch()

    def _watch(self) -> None:
        """Look until there are no more runs; a tick first, for most runs have ended by then."""
        while not self._closing.wait(TICK_S) and self._running:
            self.step(time.monotonic())
