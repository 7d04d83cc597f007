"""Has a candidate answer copies of what the current version was asked, and counts how they agree.

Nobody waits for it: copies go to one thread by way of a short queue, and what doesn't fit into the
queue is dropped. The thread rests more than it works.
"""

import logging
import queue
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from service.base.errors import KerasdError
from service.base.signature import Tensors
from service.runtime.asked import Key
from service.runtime.pool import Pool
from service.web.agreement import Agreement, Given, compare, fits
from service.web.counted import Pending
from service.web.served import ServedVersion
from service.web.traffic_counts import (
    count_agreement,
    count_dropped,
    count_outcome,
    observe_run,
)

logger = logging.getLogger(__name__)

MAX_COPIES = 32
MAX_BYTES = 16 * 1024 * 1024
RESTS = 3  # so many times as long as a copy took
LONGEST_REST_S = 1.0
HAND_OVER_S = 0.005
CLOSE_WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Copy:
    """What the current version was asked and what it gave, for the version that is to be tried."""

    key: Key
    inputs: Tensors
    given: Given
    size: int


class Shadow:
    """One thread a worker, for all models; `step` is public so that tests do without it."""

    def __init__(self, pool: Pool[ServedVersion], timeout_s: float) -> None:
        self._pool = pool
        self._timeout_s = timeout_s
        self._queue: queue.SimpleQueue[Copy | None] = queue.SimpleQueue()
        self._taken = Pending(
            self._hand_over, HAND_OVER_S
        )  # so that the thread wakes up between two answers
        self._lock = threading.Lock()
        self._copies = self._bytes = 0
        self._dropped = Pending(count_dropped)
        self._ailing: set[Key] = set()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to answer in a thread."""
        self._thread = threading.Thread(target=self._loop, name="shadow", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread after the run that is under way; what waits is dropped."""
        self._taken.flush()
        self._closing.set()
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join(CLOSE_WAIT_S)
        while (copy := self._take()) is not None:
            self._release(copy.size)
            self._dropped.add(copy.key)
        self._dropped.flush()

    def offer(self, key: Key, inputs: Tensors, given: Given) -> None:
        """Take a copy of an answered request, or drop it; never waits, never raises."""
        size = _size_of(inputs) + _size_of(given.outputs)
        with self._lock:
            has_room = self._copies < MAX_COPIES and self._bytes + size <= MAX_BYTES
            if has_room:
                self._copies += 1
                self._bytes += size
        if not has_room:
            self._dropped.add(key)
            return
        try:
            copy = Copy(key, _kept(inputs), Given(_kept(given.outputs), given.classes), size)
        except MemoryError:
            self._release(size)
            self._dropped.add(key)
            return
        self._taken.add(copy)

    def step(self) -> bool:
        """Have one copy answered; false if none waits."""
        self._taken.flush()
        copy = self._take()
        if copy is not None:
            self._try(copy)
        return copy is not None

    def _hand_over(self, copies: list[Copy]) -> None:
        for copy in copies:
            self._queue.put(copy)

    def _take(self) -> Copy | None:
        with suppress(queue.Empty):
            return self._queue.get_nowait()
        return None

    def _loop(self) -> None:
        """Rest after each copy, so that all of this takes at most a quarter of a core.

        A low priority would be worse: whenever the kernel sets such a thread aside while it holds
        the interpreter's lock, every answer waits for it; a 99th percentile of 10 ms became 70.
        """
        while not self._closing.is_set():
            copy = self._queue.get()
            if copy is not None:
                began = time.perf_counter()
                self._try(copy)
                took_s = time.perf_counter() - began
                self._closing.wait(min(RESTS * took_s, LONGEST_REST_S))

    def _try(self, copy: Copy) -> None:
        try:
            agreement = self._answer(copy)
        except Exception as error:
            count_outcome(copy.key, "failed")
            self._tell(copy.key, error)
            return
        finally:
            self._release(copy.size)
        if agreement is None:
            count_outcome(copy.key, "incompatible")
        else:
            count_outcome(copy.key, "compared")
            count_agreement(copy.key, agreement)
            self._ailing.discard(copy.key)

    def _answer(self, copy: Copy) -> Agreement | None:
        """The version is leased by its number, so that it isn't closed meanwhile."""
        with self._pool.lease(*copy.key) as slot:
            slot.last_copied = slot.last_held
            if not fits(copy.inputs, slot.served.facts.signature):
                return None
            began = time.perf_counter()
            given = slot.served.try_out(copy.inputs, time.monotonic() + self._timeout_s)
            observe_run(copy.key, time.perf_counter() - began)
        return compare(copy.given, given)

    def _tell(self, key: Key, error: Exception) -> None:
        """The first failure in a row: the others are counted."""
        if key in self._ailing:
            return
        self._ailing.add(key)
        model, version = key
        fields = {"model": model, "version": version, "reason": str(error)}
        unforeseen = None if isinstance(error, KerasdError) else error
        logger.warning("shadow failed", extra=fields, exc_info=unforeseen)

    def _release(self, size: int) -> None:
        with self._lock:
            self._copies -= 1
            self._bytes -= size


def _size_of(tensors: Tensors) -> int:
    return sum([_text_size(a) if a.dtype.kind == "O" else a.nbytes for a in tensors.values()])


def _text_size(array: np.ndarray) -> int:
    return array.nbytes + sum(map(sys.getsizeof, array.ravel().tolist()))


def _kept(tensors: Tensors) -> Tensors:
    """As they are where they are all of their memory, else copied: they may be part of a batch."""
    return {name: array if _is_whole(array) else array.copy() for name, array in tensors.items()}


def _is_whole(array: np.ndarray) -> bool:
    """True unless keeping the array keeps much more than it alive."""
    owner = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    if owner.base is None:
        return owner.nbytes <= 2 * array.nbytes
    return isinstance(owner.base, bytes) and len(owner.base) <= 2 * array.nbytes
