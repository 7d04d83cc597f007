"""Keeps this worker's loaded versions equal to what the database says should be served."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy.exc

from service.base.errors import KerasdError, RuntimeLost
from service.base.metrics import MODEL_LOAD_DURATION, MODEL_LOADS, WORKER_MEMORY
from service.base.resident import resident_bytes
from service.repository.policy import waiting_models
from service.repository.states import State, VersionRow
from service.repository.store import VersionStore
from service.runtime.pool import Pool, Slot
from service.web.served import ServedVersion

logger = logging.getLogger(__name__)

POLL_S = 0.4
SHORTEST_PAUSE_S = 0.02
FIRST_BACKOFF_S = 1.0
MAX_BACKOFF_S = 60.0

Load = Callable[[VersionRow], ServedVersion]


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether this worker serves all that should be served, and what it waits for if not."""

    is_ready: bool
    waits_for: tuple[str, ...]


class Reloader:
    """A thread that polls; `step` is public so that tests call it with their own time."""

    def __init__(self, store: VersionStore, pool: Pool[ServedVersion], load: Load) -> None:
        self._store = store
        self._pool = pool
        self._load = load
        self._failures: dict[str, tuple[int, float]] = {}
        self._problems: dict[str, str] = {}
        self._is_stopping = False
        self._wake = threading.Event()
        self._begun = self._done = 0
        self._thread: threading.Thread | None = None
        self.rows: list[VersionRow] = []
        self.readiness = Readiness(False, ("the first look at the database",))

    def start(self) -> None:
        """Begin to poll in a thread."""
        self._thread = threading.Thread(target=self._loop, name="reloader", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._is_stopping = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def look_soon(self) -> int:
        """Have the thread look again at once; the ticket tells `has_looked` which look is meant.

        A request for a model that isn't here may be ahead of this worker's last look.
        """
        ticket = self._begun + 1
        self._wake.set()
        return ticket

    def has_looked(self, ticket: int) -> bool:
        """True when a look that began after the ticket was drawn has ended."""
        return self._done >= ticket

    def step(self, now: float) -> None:
        """Read the rows, load what is new, drop what is gone."""
        was_scanned = self._store.was_scanned()  # first: rows written meanwhile are no empty scan
        rows = self._store.rows()
        self.rows = rows
        served = {row.model: row for row in rows if row.served}
        if was_scanned:
            self._pool.expect(self._expectations(rows, served))
        for row in served.values():
            self._load_if_new(row, now)
        for slot in self._pool.slots():
            if slot.model not in served:
                logger.info("version unloaded", extra=_fields(slot))
                self._pool.remove(slot.model)
        if self._problems:
            self._pool.expect(self._expectations(rows, served))
        self.readiness = self._judge(rows, served, was_scanned)
        WORKER_MEMORY.set(resident_bytes())

    def _load_if_new(self, row: VersionRow, now: float) -> None:
        identity = f"{row.version} {row.artefact} {row.config.model_dump_json()}"
        current = {slot.model: slot for slot in self._pool.slots()}.get(row.model)
        attempts, retry_at = self._failures.get(identity, (0, 0.0))
        if (current is not None and current.identity == identity) or now < retry_at:
            return
        started = time.perf_counter()
        try:
            served = self._load(row)
        except Exception as error:
            self._fail(row, identity, attempts, now, error)
            return
        took_s = time.perf_counter() - started
        slot = Slot(row.model, row.version, identity, served, time.time())
        self._pool.put(slot)
        self._failures.pop(identity, None)
        self._problems.pop(row.model, None)
        MODEL_LOADS.labels(row.model, "ok").inc()
        MODEL_LOAD_DURATION.labels(row.model).observe(took_s)
        logger.info("version loaded", extra={**_fields(slot), "took_ms": round(took_s * 1000, 1)})

    def _fail(
        self, row: VersionRow, identity: str, attempts: int, now: float, error: Exception
    ) -> None:
        """Keep the predecessor, and try again later and later."""
        is_passing = isinstance(error, RuntimeLost)
        backoff_s = min(
            FIRST_BACKOFF_S * 2**attempts, FIRST_BACKOFF_S if is_passing else MAX_BACKOFF_S
        )
        self._failures[identity] = (attempts + 1, now + backoff_s)
        text = str(error) if isinstance(error, KerasdError) else type(error).__name__
        self._problems[row.model] = f"version {row.version} can't be loaded: {text}"
        MODEL_LOADS.labels(row.model, "failed").inc()
        logger.log(
            logging.WARNING if is_passing else logging.ERROR,
            "version can't be loaded",
            extra={"model": row.model, "version": row.version, "why": text},
            exc_info=None if is_passing else error,
        )

    def _expectations(
        self, rows: list[VersionRow], served: dict[str, VersionRow]
    ) -> dict[str, str]:
        """Every model there is, with the reason why it can't be served; none while it loads."""
        reasons: dict[str, str] = {}
        for row in rows:
            if row.state is State.FAILED:
                reasons[row.model] = f"version {row.version} failed: {row.reason}"
            elif row.state is not State.RETIRED:
                reasons[row.model] = f"version {row.version} is being compiled"
        for model in served:
            reasons[model] = self._problems.get(model, "")
        return reasons

    def _judge(
        self, rows: list[VersionRow], served: dict[str, VersionRow], was_scanned: bool
    ) -> Readiness:
        loaded = {slot.model: slot.version for slot in self._pool.slots()}
        waiting = {model for model, row in served.items() if loaded.get(model) != row.version}
        waiting |= waiting_models(rows)
        if not was_scanned:
            waiting.add("the first look at the repository")
        # Once ready, ready: a model that is added later is no reason to take the others away.
        return Readiness(self.readiness.is_ready or not waiting, tuple(sorted(waiting)))

    def _loop(self) -> None:
        is_reachable = True
        while not self._is_stopping:
            self._wake.clear()
            self._begun += 1
            try:
                self.step(time.monotonic())
                is_reachable = True
            except sqlalchemy.exc.SQLAlchemyError as error:  # not there yet, or away for a while
                if is_reachable:
                    why = str(getattr(error, "orig", error))[:200]
                    logger.warning("database not readable", extra={"why": why})
                is_reachable = False
            except Exception:  # the loop must live on, whatever one look has met
                logger.exception("reload failed")
            self._done = self._begun
            if not self._wake.wait(SHORTEST_PAUSE_S):
                self._wake.wait(POLL_S)
            else:  # however many ask, the database is asked no more often than this
                time.sleep(SHORTEST_PAUSE_S)


def _fields(slot: Slot[ServedVersion]) -> dict[str, object]:
    return {"model": slot.model, "version": slot.version}
