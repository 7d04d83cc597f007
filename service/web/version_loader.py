"""Loads versions into the pool; what fails is tried again, later each time."""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic

from service.base.errors import KerasdError, RuntimeLost
from service.base.metrics import MODEL_LOAD_DURATION, MODEL_LOADS
from service.base.resident import anonymous_bytes
from service.repository.states import Held, Loading, VersionRow
from service.runtime.asked import Key
from service.runtime.pool import Pool
from service.runtime.slot import Served, Slot
from service.web.side_loader import SideLoader

logger = logging.getLogger(__name__)

FIRST_BACKOFF_S = 1.0
MAX_BACKOFF_S = 60.0


@dataclass(frozen=True, slots=True)
class Failure:
    """A version that couldn't be loaded, and when it is tried again."""

    held: Held
    attempts: int
    retry_at: float

    @property
    def is_passing(self) -> bool:
        """True when waiting for it makes sense."""
        return self.held.loading is Loading.RETRYING


class VersionLoader(Generic[Served]):
    """`load_version` does the work; `weigh` tells from the files how large a version is at least.

    How large it is indeed is how much this process has grown when it was loaded; what other threads
    did meanwhile is in it, so that the latest load counts, and the files are the least.

    What another process runs, as `is_remote` tells, is loaded in a thread of its own, one at a time
    so that nothing else ever waits for that process: `load` only begins with it, `take` ends it.
    """

    def __init__(
        self,
        pool: Pool[Served],
        load_version: Callable[[VersionRow], Served],
        weigh: Callable[[VersionRow], int] = lambda _row: 0,
        measure: Callable[[], int] = anonymous_bytes,
        is_remote: Callable[[VersionRow], bool] = lambda _row: False,
    ) -> None:
        self.side = SideLoader(load_version)
        self._is_remote = is_remote
        self._pool = pool
        self._load_version = load_version
        self._weigh = weigh
        self._measure = measure
        self._failures: dict[Key, Failure] = {}
        self._sizes: dict[str, int] = {}

    def size_of(self, row: VersionRow) -> int:
        """Bytes that the version takes in memory, as far as it is known."""
        if row.artefact not in self._sizes:
            self._sizes[row.artefact] = self._weigh(row)
        return self._sizes[row.artefact]

    def failure_of(self, row: VersionRow) -> Failure | None:
        """Why this form of a version isn't loaded, if that was tried in vain."""
        failure = self._failures.get((row.model, row.version))
        return failure if failure and failure.held.identity == row.identity else None

    def is_due(self, row: VersionRow, now: float) -> bool:
        """True when the version may be tried: never in vain so far, or long enough ago."""
        failure = self.failure_of(row)
        is_time = failure is None or now >= failure.retry_at
        return is_time and not (self.side.is_busy and self._is_remote(row))

    def keep(self, served: Collection[Key]) -> None:
        """Forget the failures of all other versions."""
        self._failures = {key: one for key, one in self._failures.items() if key in served}

    def retry(self, model: str) -> None:
        """Try the versions of a model again at once."""
        self._failures = {key: one for key, one in self._failures.items() if key[0] != model}

    def load(self, row: VersionRow, now: float, last_used: float = 0.0) -> bool:
        """Load one version and lend it from then on; false if it failed."""
        if self._is_remote(row):
            self.side.begin(row)
            return True
        started, before = time.perf_counter(), self._measure()
        try:
            served = self._load_version(row)
            took_s = time.perf_counter() - started
            size = max(self._weigh(row), self._measure() - before)
            self._lend(row, served, size, took_s, last_used)
        except Exception as error:  # of one version, which must not keep others from being loaded
            self._fail(row, now, error)
            return False
        return True

    def take(
        self, rows: Iterable[VersionRow], now: float, used: Mapping[Key, float]
    ) -> VersionRow | None:
        """Lend what was loaded in the thread beside, or note why it wasn't; which of `rows` it was.

        What isn't among them any more in this very form is closed.
        """
        ended = self.side.take()
        if ended is None:
            return None
        key, identity = (ended.row.model, ended.row.version), ended.row.identity
        if all((row.model, row.version) != key or row.identity != identity for row in rows):
            if ended.served is not None:
                ended.served.close()
            return None
        if ended.served is not None:
            size = self._weigh(ended.row)  # the rest of it isn't here
            self._lend(ended.row, ended.served, size, ended.took_s, used.get(key, 0.0))
        elif ended.error is not None:
            self._fail(ended.row, now, ended.error)
        return ended.row

    def held(self) -> list[Held]:
        """Every version that couldn't be loaded, with the reason."""
        return [self._failures[key].held for key in sorted(self._failures)]

    def _lend(
        self, row: VersionRow, served: Served, size: int, took_s: float, last_used: float
    ) -> None:
        key = (row.model, row.version)
        self._pool.put(Slot(*key, row.identity, served, time.time(), size, last_used))
        self._sizes[row.artefact] = size
        self._failures.pop(key, None)
        MODEL_LOADS.labels(row.model, "ok").inc()
        MODEL_LOAD_DURATION.labels(row.model).observe(took_s)
        fields = {"model": row.model, "version": row.version, "bytes": size}
        logger.info("version loaded", extra={**fields, "took_ms": round(took_s * 1000, 1)})

    def _fail(self, row: VersionRow, now: float, error: Exception) -> None:
        """What is there already goes on; it is tried again later and later."""
        earlier = self.failure_of(row)
        attempts = 0 if earlier is None else earlier.attempts
        is_passing = isinstance(error, RuntimeLost)
        longest_s = FIRST_BACKOFF_S if is_passing else MAX_BACKOFF_S
        backoff_s = min(FIRST_BACKOFF_S * 2**attempts, longest_s)
        text = str(error) if isinstance(error, KerasdError) else type(error).__name__
        held = Held(
            row.model,
            row.version,
            row.identity,
            Loading.RETRYING if is_passing else Loading.FAILED,
            f"version {row.version} can't be loaded: {text}",
        )
        self._failures[row.model, row.version] = Failure(held, attempts + 1, now + backoff_s)
        MODEL_LOADS.labels(row.model, "failed").inc()
        logger.log(
            logging.WARNING if is_passing else logging.ERROR,
            "version can't be loaded",
            extra={"model": row.model, "version": row.version, "why": text},
            exc_info=None if is_passing else error,
        )
