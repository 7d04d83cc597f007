"""The metrics of one version, their label sets looked up once instead of at every request."""

import time

from prometheus_client import Counter

from service.base.metrics import (
    BATCH_ROWS,
    MAX_CLASSES,
    OTHER_CLASS,
    PREDICT_DURATION,
    PREDICT_REQUESTS,
    PREDICTIONS,
)
from service.web.decisions import Decided


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
        self._outcomes = {"ok": PREDICT_REQUESTS.labels(*self._names, "ok")}
        self._rows = BATCH_ROWS.labels(*self._names)
        self._stages = {
            stage: PREDICT_DURATION.labels(*self._names, stage)
            for stage in ("decode", "infer", "encode", "total")
        }
        self._classes: dict[str, Counter] = {}

    def count_ok(self, rows: int, decided: Decided | None, watch: Stopwatch) -> None:
        """One request answered."""
        self._outcomes["ok"].inc()
        self._rows.observe(rows)
        self._stages["decode"].observe(watch.decode)
        self._stages["infer"].observe(watch.infer)
        self._stages["encode"].observe(watch.encode)
        self._stages["total"].observe(watch.total)
        if decided is not None:
            self._count_classes(decided)

    def count_failed(self, outcome: str) -> None:
        """One request that was not answered: invalid, error, rejected or timeout."""
        PREDICT_REQUESTS.labels(*self._names, outcome).inc()

    def _count_classes(self, decided: Decided) -> None:
        counts: dict[int, int] = {}
        for index in decided.class_index.tolist():
            counts[index] = counts.get(index, 0) + 1
        for index, count in counts.items():
            name = self._class_name(index)
            counter = self._classes.get(name)
            if counter is None:
                counter = self._classes[name] = PREDICTIONS.labels(*self._names, name)
            counter.inc(count)

    def _class_name(self, index: int) -> str:
        if index >= MAX_CLASSES:
            return OTHER_CLASS
        return self._labels[index] if index < len(self._labels) else str(index)
