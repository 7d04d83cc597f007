"""The figures of quality at a scrape: counters as they are now, windows no older than moments."""

import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sqlalchemy.exc

from service.quality.estimate import Confidence
from service.quality.reading import Counters, Reading
from service.quality.store import QualityStore
from service.quality.windows import SECOND, WINDOWS, window
from service.web.quality.measured import Measured, expect, measure

KEEP_S = 5.0
STORE_BYTES = 6


@dataclass(frozen=True, slots=True)
class Figures:
    """Of all versions that the database knows; `windows` by their names.

    `store` names the database and the repository: whoever tells the same store tells the same
    numbers, and two stores' numbers add up.
    """

    store: str
    counters: Counters
    windows: Mapping[str, tuple[Measured, ...]]


class QualityFigures:
    """Reads them; safe in threads. Who comes while windows are read waits for the same ones."""

    def __init__(
        self,
        store: QualityStore,
        installation: Callable[[], str],
        repository: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._installation = installation
        self._repository = repository
        self._clock = clock
        self._name = ""
        self._windows: Mapping[str, tuple[Measured, ...]] = {}
        self._measured: dict[tuple[str, str, int], tuple[Reading, Measured]] = {}
        self._read_at = float("-inf")
        self._lock = threading.Lock()

    def take(self) -> Figures | None:
        """The figures; none while the database is away: nothing that is old is told as new."""
        try:
            return Figures(self._read_name(), self._store.counters(), self._read_windows())
        except sqlalchemy.exc.SQLAlchemyError:  # the reloader tells of it
            return None

    def _read_name(self) -> str:
        if not self._name:
            both = f"{self._installation()}\n{self._repository}".encode()
            self._name = hashlib.blake2b(both, digest_size=STORE_BYTES).hexdigest()
        return self._name

    def _read_windows(self) -> Mapping[str, tuple[Measured, ...]]:
        with self._lock:
            now = self._clock()
            if not 0 <= now - self._read_at < KEEP_S:
                self._windows = self._measure(int(now * SECOND))
                self._read_at = now
            return self._windows

    def _measure(self, now: int) -> dict[str, tuple[Measured, ...]]:
        spans = {name: window(name, now) for name in WINDOWS}
        readings = self._store.readings_of(list(spans.values()))
        confidences = self._store.confidences(list(spans.values()))
        return {
            name: tuple(self._measure_one(name, reading, sure) for reading in found)
            for name, found, sure in zip(spans, readings, confidences, strict=True)
        }

    def _measure_one(
        self, name: str, reading: Reading, sure: Mapping[tuple[str, int], Confidence]
    ) -> Measured:
        """Scored anew only if anything has changed: most windows are the same for hours."""
        key = (reading.model, reading.version)
        known = self._measured.get((name, *key))
        if known is None or known[0] != reading:
            known = self._measured[name, *key] = (reading, measure(reading))
        return expect(known[1], sure[key]) if key in sure else known[1]
