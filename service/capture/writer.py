"""Writes down inputs of answered predictions, in files and beside the answers.

What is to be kept waits in memory for some seconds; what has no room there is dropped and counted,
for no answer waits for a disk. A worker that is killed takes the latest FLUSH_S with it, and leaves
no half file that anybody would read: a file gets its name when it is whole.
"""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from service.base.metrics import CAPTURED_ROWS
from service.base.signature import Signature
from service.capture.answered import Answered, Sink
from service.capture.arrow import pyarrow
from service.capture.encoding import encode
from service.capture.layout import hour_of, path_of
from service.capture.parquet import in_groups, write_parquet
from service.capture.tap import Tap
from service.capture.terms import Terms

logger = logging.getLogger(__name__)

FLUSH_S = 5.0
LOOK_S = 1.0
# Each call of Arrow's gives the interpreter's lock away and takes it back, while answers want it:
# few large parts are cheaper than many small ones.
PAUSE_S = 0.25
AT_ONCE = 2048
RESTS = 3  # so many times as long as the work took
FLUSH_BYTES = 8 * 1024 * 1024
MAX_BYTES = 32 * 1024 * 1024
CLOSE_WAIT_S = 5.0
OFF = Terms()

Waiting = deque[tuple[Sink, Answered]]


@dataclass(slots=True)
class Gathered:
    """What goes into one file: batches of Arrow's, and how much of the memory they count for."""

    batches: list[Any] = field(default_factory=list)
    rows: int = 0
    size: int = 0


class CaptureWriter:
    """One thread a worker, for all models; `step` is public so that tests do without it.

    `read_terms` says what is to be kept of each model; it is asked about once a second.
    """

    def __init__(self, capture_dir: Path, read_terms: Callable[[], Mapping[str, Terms]]) -> None:
        self._capture_dir = capture_dir
        self._read_terms = read_terms
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._waiting: Waiting = deque()
        self._gathered: dict[tuple[Sink, int], Gathered] = {}
        self._bytes = 0
        self._taps: dict[tuple[str, int], Tap] = {}
        self._name = ""
        self._files = 0
        self._looked_at = self._flushed_at = float("-inf")
        self._is_able = True
        self._is_on = False
        self._is_failing = False
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to write in a thread."""
        self._thread = threading.Thread(target=self._loop, name="capture", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what waits, and end the thread."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(CLOSE_WAIT_S)

    def tap(self, model: str, version: int, signature: Signature) -> Tap:
        """What takes the inputs of one loaded version; off until the terms say otherwise."""
        tap = Tap(model, version, signature, self._put)
        with self._lock:
            self._taps[model, version] = tap
            self._looked_at = float("-inf")
        return tap

    def step(self, now: float) -> None:
        """Follow the terms, make a part of what waits ready, and write where it is time for that.

        `now` is monotonic.
        """
        if now - self._looked_at >= LOOK_S:
            self._looked_at = now
            self._follow()
        with self._writing:
            self._gather()
        if self._bytes >= FLUSH_BYTES or now - self._flushed_at >= FLUSH_S:
            self._flushed_at = now
            self.flush()

    def flush(self) -> None:
        """Write all that waits now, in this thread."""
        with self._writing:
            while self._gather():
                pass
            gathered, self._gathered = self._gathered, {}
            for (sink, hour), some in gathered.items():
                self._write(sink, hour, some)

    def _put(self, sink: Sink, one: Answered) -> bool:
        """Have it written soon; false if there is no room for it. Never waits."""
        size = one.size
        with self._lock:
            if self._bytes + size > MAX_BYTES:
                return False
            self._bytes += size
            self._waiting.append((sink, one))
        return True

    def _follow(self) -> None:
        """Have each tap take what the terms say now."""
        terms = self._read_terms()
        with self._lock:
            taps = list(self._taps.values())
        for tap in taps:
            told = terms.get(tap.model, OFF)
            if not told.fraction or self._load():
                tap.follow(told)
        self._is_on = any(tap.is_on for tap in taps)

    def _load(self) -> bool:
        """Whether there is an Arrow to write with; loaded here, not while somebody waits."""
        if self._is_able:
            try:
                pyarrow()
            except ModuleNotFoundError:
                self._is_able = False
                logger.warning("inputs can't be captured: pyarrow isn't installed")
        return self._is_able

    def _gather(self) -> bool:
        """Turn some of what waits into Arrow's batches, which are small and quick to write."""
        some: dict[tuple[Sink, int], list[Answered]] = {}
        with suppress(IndexError):
            for _ in range(AT_ONCE):
                sink, one = self._waiting.popleft()
                some.setdefault((sink, hour_of(one.at)), []).append(one)
        for key, answered in some.items():
            size = sum([one.size for one in answered])
            rows = sum([one.rows for one in answered])
            kept = self._gathered.setdefault(key, Gathered())
            try:
                kept.batches.append(encode(key[0].form, answered))
            except (MemoryError, ValueError, pyarrow().ArrowException) as error:
                self._fail(key[0].form.model, Gathered([], rows, size), error)
                continue
            kept.rows += rows
            kept.size += size
        return bool(some)

    def _write(self, sink: Sink, hour: int, some: Gathered) -> None:
        model = sink.form.model
        if not some.batches:
            return
        try:
            if not self._name:  # in the worker, after the fork
                self._name = os.urandom(6).hex()
            self._files += 1
            group = (hour, sink.form.version, sink.digest)
            path = path_of(self._capture_dir / model, group, self._name, self._files)
            write_parquet(path, sink.form, in_groups(some.batches))
        except (OSError, MemoryError, ValueError, pyarrow().ArrowException) as error:
            self._fail(model, some, error)
            return
        CAPTURED_ROWS.labels(model, "kept").inc(some.rows)
        self._is_failing = False
        self._free(some.size)

    def _fail(self, model: str, some: Gathered, error: Exception) -> None:
        CAPTURED_ROWS.labels(model, "failed").inc(some.rows)
        if not self._is_failing:
            logger.warning("inputs can't be captured", extra={"why": str(error)[:200]})
        self._is_failing = True
        self._free(some.size)

    def _free(self, size: int) -> None:
        with self._lock:
            self._bytes -= size

    def _loop(self) -> None:
        while not self._closing.is_set():
            began = time.monotonic()
            self._step_safely(began)
            took_s = time.monotonic() - began
            is_behind = len(self._waiting) >= AT_ONCE
            pause_s = PAUSE_S if self._is_on else LOOK_S
            self._closing.wait(RESTS * took_s if is_behind else pause_s)
        self._flushed_at = float("-inf")
        self._step_safely(time.monotonic())

    def _step_safely(self, now: float) -> None:
        try:
            self.step(now)
        except Exception:
            logger.exception("inputs can't be captured")
