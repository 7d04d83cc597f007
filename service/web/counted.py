"""The metrics of predictions, counted in memory and added to the shared ones in batches.

An increment of a shared metric is a write to a file that all workers share, fourteen of them a
prediction. What one event loop answers within FLUSH_S is added in one go; a worker that is killed
takes at most that much with it.
"""

import asyncio
import time
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from prometheus_client import Counter, Gauge, Histogram

from service.base.metric_arrays import observe_array, observe_columns
from service.base.metrics import (
    BATCH_ROWS,
    EXECUTION_SECONDS,
    EXECUTIONS,
    HTTP_DURATION,
    LAST_PREDICTION,
    MAX_CLASSES,
    OTHER_CLASS,
    PREDICT_DURATION,
    PREDICT_REQUESTS,
    PREDICTION_PROBABILITY,
    PREDICTIONS,
    QUEUE_REQUESTS,
)
from service.quality.predicted import LARGEST_PROBABILITY
from service.repository.decisions import Decisions
from service.web.gathered import STAGES, Gathered
from service.web.quality.recorder import Tally

FLUSH_S = 0.02
RUN_STAGES = ("gather", "run", "split")
MAX_EXACT_ROWS = 32

Served = tuple[str, str, int]  # method, route, status


class Stopwatch:
    """The times of one prediction's stages, in seconds, taken as it goes."""

    __slots__ = ("_has_waited_first", "_last", "_started", "decode", "encode", "infer", "queue")

    def __init__(self) -> None:
        self._started = self._last = time.perf_counter()
        self.queue = self.decode = self.infer = self.encode = 0.0
        self._has_waited_first = False

    def lap(self) -> float:
        """Seconds since the last lap."""
        now = time.perf_counter()
        took, self._last = now - self._last, now
        return took

    def waited(self) -> None:
        """A lap that was spent in the queue before anything was decoded."""
        self.queue = self.lap()
        self._has_waited_first = True

    @property
    def total(self) -> float:
        """Seconds from the beginning to the last lap."""
        return self._last - self._started

    def stages(self) -> Iterator[tuple[str, float, float]]:
        """Name, beginning on `time.perf_counter` and seconds of each stage that took place."""
        first = ("queue", "decode") if self._has_waited_first else ("decode", "queue")
        began = self._started
        for name in (*first, "infer", "encode"):
            took: float = getattr(self, name)
            if took > 0:
                yield name, began, took
            began += took


class Pending:
    """What waits to be added: `add` gathers, `flush` hands all of it to `count` at once.

    It does so by itself `within_s` of the first, or within FLUSH_S.
    """

    def __init__(self, count: Callable[[list[Any]], None], within_s: float | None = None) -> None:
        self._within_s = within_s
        self._count = count
        self._items: deque[Any] = deque()  # whose ends are safe in threads without a lock
        self._is_due = False

    def add(self, item: Any) -> None:
        """Gather; added at once where there is no event loop to come back to."""
        self._items.append(item)
        if not self._is_due:
            self._is_due = True
            try:
                asyncio.get_running_loop().call_later(
                    FLUSH_S if self._within_s is None else self._within_s, self.flush
                )
            except RuntimeError:
                self.flush()

    def flush(self) -> None:
        """Add what is pending to the shared metrics."""
        self._is_due = False  # first: what is added from now on is flushed once more
        items: list[Any] = []
        with suppress(IndexError):  # another thread may flush as well
            while self._items:
                items.append(self._items.popleft())
        if items:
            self._count(items)


class HttpMetrics:
    """Durations of the requests that the front answers itself, by method, route and status."""

    def __init__(self) -> None:
        self._pending = Pending(self._add)
        self._seconds: dict[Served, array[float]] = {}
        self._children: dict[Served, Any] = {}

    def observe(self, served: Served, took_s: float) -> None:
        """One request answered; to be called by the event loop's thread alone."""
        observed = self._seconds.get(served)
        if observed is None:
            self._seconds[served] = array("d", (took_s,))
            self._pending.add(served)
        else:
            observed.append(took_s)

    def flush(self) -> None:
        """Add what is pending to the shared metrics."""
        self._pending.flush()

    def _add(self, _: list[Served]) -> None:
        seconds, self._seconds = self._seconds, {}
        for served, observed in seconds.items():
            child = self._children.get(served)
            if child is None:
                method, route, status = served
                child = HTTP_DURATION.labels(method, route, str(status))
                self._children[served] = child
            observe_array(child, np.frombuffer(observed))


@dataclass(frozen=True, slots=True)
class AnswerSeries:
    """What is told of a version's answers; `stages` in the order of STAGES."""

    rows: Histogram
    last: Gauge
    stages: list[Histogram]


class VersionMetrics:
    """Counts what one version answers and the runs it takes for that.

    The hundred series of its answers begin with the first of them: hundreds of versions may be
    loaded of which few are asked, and each series costs memory and time at each scrape. `tally` is
    what the database is told by.
    """

    def __init__(
        self, model: str, version: int, labels: tuple[str, ...], tally: Tally | None = None
    ) -> None:
        self._tally = tally
        self._names = (model, str(version))
        self._labels = labels
        self._ok = PREDICT_REQUESTS.labels(*self._names, "ok")
        self._queue = QUEUE_REQUESTS.labels(model)
        self._answers: AnswerSeries | None = None
        self._probability: Histogram | None = None
        self._classes: dict[str, Counter] = {}
        self._runs: dict[str, list[Counter]] = {}
        self._gathered = Gathered()
        self._answered = Pending(self._add_answered)
        self._executed = Pending(self._add_executed)

    def count_ok(self, rows: int, decided: Decisions | None, watch: Stopwatch) -> None:
        """One request answered."""
        seconds = (watch.queue, watch.decode, watch.infer, watch.encode, watch.total)
        if self._gathered.add(rows, decided, seconds):
            self._answered.add(None)

    def count_failed(self, outcome: str) -> None:
        """One request that was not answered: invalid, error, rejected or timeout."""
        PREDICT_REQUESTS.labels(*self._names, outcome).inc()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Around the time in which a request waits for a thread's run or is in it."""
        self._queue.inc()
        try:
            yield
        finally:
            self._queue.dec()

    def count_run(
        self, rows: int, _requests: int, gather_s: float, run_s: float, split_s: float
    ) -> None:
        """One run of the version, for one request or for several."""
        self._executed.add((rows, gather_s, run_s, split_s))

    def flush(self) -> None:
        """Add what is pending to the shared metrics."""
        self._answered.flush()
        self._executed.flush()

    def _add_answered(self, _: list[None]) -> None:
        taken = self._gathered.take()
        series = self._answers = self._answers or _begin_series(self._names)
        self._ok.inc(len(taken.rows))
        series.last.set(time.time())
        observe_array(series.rows, taken.rows)
        observe_columns(series.stages, taken.seconds)
        if len(taken.classes):
            self._count_classes(taken.classes)
        if len(taken.scores):
            self._count_scores(taken.scores)
        if self._tally is not None:
            self._tally.add(int(taken.rows.sum()), taken.scores)

    def _add_executed(self, items: list[tuple[int, float, float, float]]) -> None:
        sums: dict[int, list[float]] = {}
        for rows, *stages in items:
            total = sums.setdefault(_rounded(rows), [0.0] * (1 + len(RUN_STAGES)))
            for index, value in enumerate((1.0, *stages)):
                total[index] += value
        for rows, total in sums.items():
            for counter, value in zip(self._run_counters(str(rows)), total, strict=True):
                counter.inc(value)

    def _run_counters(self, rows: str) -> list[Counter]:
        if rows not in self._runs:
            names = (*self._names, rows)
            seconds = [EXECUTION_SECONDS.labels(*names, stage) for stage in RUN_STAGES]
            self._runs[rows] = [EXECUTIONS.labels(*names), *seconds]
        return self._runs[rows]

    def _count_classes(self, indices: np.ndarray) -> None:
        for index in sorted(set(indices.tolist())):  # np.unique would import masked arrays
            name = self._class_name(index)
            counter = self._classes.get(name)
            if counter is None:
                counter = self._classes[name] = PREDICTIONS.labels(*self._names, name)
            counter.inc(int(np.count_nonzero(indices == index)))

    def _count_scores(self, scores: np.ndarray) -> None:
        """Those that can be probabilities: a model may answer logits."""
        probabilities = scores[(scores >= 0) & (scores <= LARGEST_PROBABILITY)]
        if len(probabilities):
            if self._probability is None:
                self._probability = PREDICTION_PROBABILITY.labels(*self._names)
            observe_array(self._probability, probabilities)

    def _class_name(self, index: int) -> str:
        if index >= MAX_CLASSES:
            return OTHER_CLASS
        return self._labels[index] if index < len(self._labels) else str(index)


def _begin_series(names: tuple[str, str]) -> AnswerSeries:
    return AnswerSeries(
        BATCH_ROWS.labels(*names),
        LAST_PREDICTION.labels(*names),
        [PREDICT_DURATION.labels(*names, stage) for stage in STAGES],
    )


def _rounded(rows: int) -> int:
    """The size as a label: exact for small batches, else the next power of two."""
    return rows if rows <= MAX_EXACT_ROWS else 1 << (rows - 1).bit_length()
