"""Writes down what predictions leave behind, in batches and beside the answers.

Receipts that have their rows inside leave nothing but a number to be added. What else there is
waits in a short queue; what doesn't fit is dropped and counted, for no answer waits for the
database. A worker that is killed takes the latest with it: PAUSE_S of records, COUNT_S of counts.
"""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from service.base.database_errors import database_words
from service.base.metrics import PREDICTIONS_UNRECORDED
from service.quality.predicted import Prediction, steps_of
from service.quality.score_bins import count_steps
from service.quality.store_predictions import Answered, Binned
from service.quality.windows import hour_of

logger = logging.getLogger(__name__)

Key = tuple[str, int]  # model, version

MAX_RECORDS = 20_000
MAX_BYTES = 32 * 1024 * 1024
RECORD_BYTES = 300  # of one in memory, besides its content
BATCH = 1000
PAUSE_S = 0.05
COUNT_S = 5.0
KEYS_S = 60.0
RETRY_S = 1.0
RESTS = 3  # so many times as long as a write took: a quarter of a core at most
LONGEST_REST_S = 1.0
CLOSE_WAIT_S = 5.0
UNTAKEABLE = (DataError, IntegrityError, ValueError, TypeError)


class Store(Protocol):
    """Where predictions are kept."""

    def record_predictions(self, model: str, made: list[Prediction]) -> None:
        """Keep predictions of a model."""
        ...

    def count_predictions(
        self, answered: Mapping[Answered, int], scores: Mapping[Binned, int]
    ) -> None:
        """Add to the number of rows that were answered, and to those of bins of scores."""
        ...


class Tally:
    """What a version has answered since somebody last took note; safe in threads."""

    __slots__ = ("_bins", "_lock", "_rows")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows = 0
        self._bins: Counter[int] = Counter()

    def add(self, rows: int, scores: np.ndarray | None = None) -> None:
        """So many rows more, with the scores of their decisions if there are any."""
        counts = [] if scores is None or not len(scores) else count_steps(steps_of(scores))
        with self._lock:
            self._rows += rows
            for place, count in enumerate(counts):
                if count:
                    self._bins[place] += count

    def take(self) -> tuple[int, Counter[int]]:
        """How many rows, and by the bins of their scores; it begins anew."""
        with self._lock:
            taken = self._rows, self._bins
            self._rows, self._bins = 0, Counter()
        return taken


class Recorder:
    """One thread a worker, for all models; `step` is public so that tests do without it."""

    def __init__(
        self,
        store: Store,
        refresh: Callable[[], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._refresh = refresh
        self._clock = clock
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._waiting: deque[tuple[str, Prediction]] = deque()
        self._bytes = 0
        self._tallies: dict[Key, Tally] = {}
        self._counts: Counter[Answered] = Counter()
        self._scores: Counter[Binned] = Counter()
        self._counted_at = self._refreshed_at = self._retry_at = float("-inf")
        self._is_away = False
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to write in a thread."""
        self._thread = threading.Thread(target=self._loop, name="recorder", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what waits, if the database takes it soon, and end the thread."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(CLOSE_WAIT_S)

    def tally(self, key: Key) -> Tally:
        """Where the rows that a version answers are counted."""
        with self._lock:
            return self._tallies.setdefault(key, Tally())

    def record(self, key: Key, prediction: Prediction) -> None:
        """Keep a prediction for labels to come, or drop it; never waits, never raises."""
        size = _size_of(prediction)
        with self._lock:
            has_room = len(self._waiting) < MAX_RECORDS and self._bytes + size <= MAX_BYTES
            if has_room:
                self._bytes += size
                self._waiting.append((key[0], prediction))
        if not has_room:
            PREDICTIONS_UNRECORDED.labels(key[0]).inc()

    def step(self, now: float) -> None:
        """Read the keys and write what waits, where it is time for that; `now` is monotonic.

        What the database doesn't take while it is away is tried again.
        """
        self._gather()
        if now < self._retry_at:
            return
        try:
            if now - self._refreshed_at >= KEYS_S:
                self._refresh()
                self._refreshed_at = now
            self._write(now - self._counted_at >= COUNT_S)
            if now - self._counted_at >= COUNT_S:
                self._counted_at = now
        except SQLAlchemyError as error:
            self._retry_at = now + RETRY_S
            if not self._is_away:
                logger.warning(
                    "predictions can't be recorded", extra={"why": database_words(error)}
                )
            self._is_away = True
        else:
            self._is_away = False

    def flush(self) -> None:
        """Write all that waits now, in this thread. Raises SQLAlchemyError."""
        self._gather()
        self._write(is_time_to_count=True)

    def _loop(self) -> None:
        """Rest after each write; the event loop waits for the interpreter's lock meanwhile."""
        rest_s = 0.0
        while not self._closing.wait(rest_s):
            began = time.monotonic()
            self._step_safely(began)
            took_s = time.monotonic() - began
            rest_s = min(max(PAUSE_S, RESTS * took_s), LONGEST_REST_S)
        self._counted_at = self._retry_at = float("-inf")
        self._step_safely(time.monotonic())

    def _step_safely(self, now: float) -> None:
        try:
            self.step(now)
        except Exception:
            logger.exception("predictions can't be recorded")

    def _write(self, is_time_to_count: bool) -> None:
        with self._writing:
            while batch := self._peek():
                self._record(batch)
            if is_time_to_count:
                self._add_counts()

    def _peek(self) -> list[tuple[str, Prediction]]:
        """The first of the queue; they stay there until they are written."""
        with self._lock:
            return [self._waiting[place] for place in range(min(BATCH, len(self._waiting)))]

    def _record(self, batch: list[tuple[str, Prediction]]) -> None:
        by_model: dict[str, list[Prediction]] = {}
        for model, prediction in batch:
            by_model.setdefault(model, []).append(prediction)
        for model, made in by_model.items():
            try:
                self._store.record_predictions(model, made)
            except UNTAKEABLE:  # which must not keep all others waiting for ever
                logger.exception("predictions are lost", extra={"model": model})
                PREDICTIONS_UNRECORDED.labels(model).inc(len(made))
        with self._lock:
            for _ in batch:
                self._bytes -= _size_of(self._waiting.popleft()[1])

    def _gather(self) -> None:
        """Note what was answered since the last time, as answers of this hour."""
        hour = hour_of(int(self._clock() * 1000))
        with self._lock:
            for key, tally in self._tallies.items():
                rows, bins = tally.take()
                if rows:
                    self._counts[*key, hour] += rows
                for place, count in bins.items():
                    self._scores[(*key, hour), place] += count

    def _add_counts(self) -> None:
        with self._lock:
            counts, self._counts = self._counts, Counter()
            scores, self._scores = self._scores, Counter()
        try:
            self._store.count_predictions(counts, scores)
        except BaseException:
            with self._lock:
                self._counts.update(counts)
                self._scores.update(scores)
            raise


def _size_of(prediction: Prediction) -> int:
    return RECORD_BYTES + len(prediction.content or b"")
