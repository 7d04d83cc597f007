"""The metrics of one version, counted in memory and added to the shared ones in batches.

An increment of a shared metric is a write to a file that all workers share, fourteen of them a
prediction. What one event loop answers within FLUSH_S is added in one go; a worker that is killed
takes at most that much with it.
"""

import asyncio
import threading
import time

import numpy as np
from prometheus_client import Counter

from service.base.metrics import (
    BATCH_ROWS,
    MAX_CLASSES,
    OTHER_CLASS,
    PREDICT_DURATION,
    PREDICT_REQUESTS,
    PREDICTIONS,
    observe_all,
)
from service.web.decisions import Decided

FLUSH_S = 0.005
STAGES = ("decode", "infer", "encode", "total")


class Stopwatch:
    """The times of one prediction's stages, in seconds, taken as it goes."""

    __slots__ = ("_last", "_started", "decode", "encode", "infer")

    def __init__(self) -> None:
        self._started = self._last = time.perf_counter()
        self.decode = self.infer = self.encode = 0.0

    def lap(self) -> float:
        """Seconds since the last lap."""
        now = time.perf_counter()
        took, self._last = now - self._last, now
        return took

    @property
    def total(self) -> float:
        """Seconds from the beginning to the last lap."""
        return self._last - self._started


class VersionMetrics:
    """Counts what one version answers."""

    def __init__(self, model: str, version: int, labels: tuple[str, ...]) -> None:
        self._names = (model, str(version))
        self._labels = labels
        self._ok = PREDICT_REQUESTS.labels(*self._names, "ok")
        self._rows = BATCH_ROWS.labels(*self._names)
        self._stages = [PREDICT_DURATION.labels(*self._names, stage) for stage in STAGES]
        self._classes: dict[str, Counter] = {}
        self._lock = threading.Lock()
        self._pending: list[tuple[int, Decided | None, Stopwatch]] = []

    def count_ok(self, rows: int, decided: Decided | None, watch: Stopwatch) -> None:
        """One request answered; added at once where there is no event loop to come back to."""
        with self._lock:
            self._pending.append((rows, decided, watch))
            is_first = len(self._pending) == 1
        if is_first:
            try:
                asyncio.get_running_loop().call_later(FLUSH_S, self.flush)
            except RuntimeError:
                self.flush()

    def count_failed(self, outcome: str) -> None:
        """One request that was not answered: invalid, error, rejected or timeout."""
        PREDICT_REQUESTS.labels(*self._names, outcome).inc()

    def flush(self) -> None:
        """Add what is pending to the shared metrics."""
        with self._lock:
            pending, self._pending = self._pending, []
        if not pending:
            return
        watches = [watch for _, _, watch in pending]
        self._ok.inc(len(pending))
        observe_all(self._rows, [float(rows) for rows, _, _ in pending])
        for histogram, stage in zip(self._stages, STAGES, strict=True):
            observe_all(histogram, [getattr(watch, stage) for watch in watches])
        indices = [decided.class_index for _, decided, _ in pending if decided is not None]
        if indices:
            self._count_classes(np.concatenate(indices))

    def _count_classes(self, indices: np.ndarray) -> None:
        for index in np.unique(indices).tolist():
            name = self._class_name(index)
            counter = self._classes.get(name)
            if counter is None:
                counter = self._classes[name] = PREDICTIONS.labels(*self._names, name)
            counter.inc(int(np.count_nonzero(indices == index)))

    def _class_name(self, index: int) -> str:
        if index >= MAX_CLASSES:
            return OTHER_CLASS
        return self._labels[index] if index < len(self._labels) else str(index)
