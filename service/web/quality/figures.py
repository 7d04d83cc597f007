"""The figures of quality at a scrape: counters as they are now, windows no older than moments."""

import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sqlalchemy.exc

from service.quality.reading import Counters
from service.quality.store import QualityStore
from service.quality.windows import SECOND, WINDOWS, window
from service.web.quality.measured import Measured, measure

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
                self._windows = {name: self._measure(name, now) for name in WINDOWS}
                self._read_at = now
            return self._windows

    def _measure(self, name: str, now: float) -> tuple[Measured, ...]:
        readings = self._store.readings(window(name, int(now * SECOND)))
        return tuple(measure(reading) for reading in readings)
