"""Keeps this worker's loaded versions equal to what the database says should be served."""

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic

import sqlalchemy.exc

from service.base.errors import KerasdError, RuntimeLost
from service.base.metrics import MODEL_LOAD_DURATION, MODEL_LOADS, WORKER_MEMORY
from service.base.resident import resident_bytes
from service.repository.policy import unloaded_models, waiting_models, with_wishes
from service.repository.states import Held, Loading, State, VersionRow, WorkerRecord
from service.repository.store import VersionStore
from service.repository.workers import Reporter, WorkerName, live_workers
from service.runtime.pool import Pool, Served, Slot

logger = logging.getLogger(__name__)

POLL_S = 0.4
SHORTEST_PAUSE_S = 0.02
FIRST_BACKOFF_S = 1.0
MAX_BACKOFF_S = 60.0


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether this worker, and at first its siblings, serve all that should be served."""

    is_ready: bool
    waits_for: tuple[str, ...]


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


class Reloader(Generic[Served]):
    """A thread that polls; `step` is public so that tests call it with their own time.

    `siblings` is how many workers listen on this worker's socket, itself included: each of them
    may get the request that follows a good answer to /readyz.
    """

    def __init__(
        self,
        store: VersionStore,
        pool: Pool[Served],
        load: Callable[[VersionRow], Served],
        siblings: int = 1,
        name: WorkerName | None = None,
    ) -> None:
        self.store = store
        self._pool = pool
        self._load = load
        self._siblings = siblings
        self._name = name
        self._reporter: Reporter | None = None
        self._failures: dict[str, Failure] = {}
        self._seen: dict[str, int] = {}
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
        if self._reporter is not None:
            self._reporter.leave()

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

    def is_retrying(self, model: str) -> bool:
        """True when the model isn't loaded for a reason that may pass soon."""
        failure = self._failures.get(model)
        return failure is not None and failure.is_passing and not self._pool.has(model)

    def step(self, now: float) -> None:
        """Read the rows, load what is new, drop what is gone, and tell the others."""
        if self._reporter is None:  # in the worker, after the fork
            self._reporter = Reporter(self.store, self._name or WorkerName.of(os.getpid()))
        self._reporter.announce(now)  # before it looks: see `control.py`
        unloaded = self._read_wishes()
        was_scanned = self.store.was_scanned()  # first: rows written meanwhile are no empty scan
        recorded = self.store.rows()
        self.rows = with_wishes(recorded, unloaded)
        rows = [row for row in recorded if row.model not in unloaded]
        served = {row.model: row for row in rows if row.served}
        self._failures = {m: failure for m, failure in self._failures.items() if m in served}
        if was_scanned:
            self._pool.expect(self._expectations(rows, served))
        for row in served.values():
            self._load_if_new(row, now)
        for slot in self._pool.slots():
            if slot.model not in served:
                logger.info("version unloaded", extra=_fields(slot))
                self._pool.remove(slot.model)
        if self._failures:
            self._pool.expect(self._expectations(rows, served))
        self._reporter.tell(self._held(), self._seen, now)
        self.readiness = self._judge(rows, served, was_scanned)
        WORKER_MEMORY.set(resident_bytes())

    def _read_wishes(self) -> set[str]:
        """The models that are to be unloaded; what was asked for anew is tried again at once."""
        wishes = self.store.wishes()
        tickets = {model: wish.ticket for model, wish in wishes.items()}
        for model, ticket in tickets.items():
            if ticket != self._seen.get(model):
                self._failures.pop(model, None)
        self._seen = tickets
        return unloaded_models(wishes)

    def _load_if_new(self, row: VersionRow, now: float) -> None:
        current = {slot.model: slot for slot in self._pool.slots()}.get(row.model)
        if current is not None and current.identity == row.identity:
            self._failures.pop(row.model, None)
            return
        failure = self._failures.get(row.model)
        if failure is not None and failure.held.identity == row.identity:
            if now < failure.retry_at:
                return
        else:
            failure = None
        started = time.perf_counter()
        try:
            served = self._load(row)
        except Exception as error:
            self._fail(row, 0 if failure is None else failure.attempts, now, error)
            return
        took_s = time.perf_counter() - started
        slot = Slot(row.model, row.version, row.identity, served, time.time())
        self._pool.put(slot)
        self._failures.pop(row.model, None)
        MODEL_LOADS.labels(row.model, "ok").inc()
        MODEL_LOAD_DURATION.labels(row.model).observe(took_s)
        logger.info("version loaded", extra={**_fields(slot), "took_ms": round(took_s * 1000, 1)})

    def _fail(self, row: VersionRow, attempts: int, now: float, error: Exception) -> None:
        """Keep the predecessor, and try again later and later."""
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
        self._failures[row.model] = Failure(held, attempts + 1, now + backoff_s)
        MODEL_LOADS.labels(row.model, "failed").inc()
        logger.log(
            logging.WARNING if is_passing else logging.ERROR,
            "version can't be loaded",
            extra={"model": row.model, "version": row.version, "why": text},
            exc_info=None if is_passing else error,
        )

    def _held(self) -> list[Held]:
        """What the others are told: each loaded version, and each that couldn't be."""
        loaded = [
            Held(slot.model, slot.version, slot.identity, Loading.LOADED)
            for slot in self._pool.slots()
        ]
        return loaded + [self._failures[model].held for model in sorted(self._failures)]

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
            failure = self._failures.get(model)
            reasons[model] = "" if failure is None else failure.held.reason
        return reasons

    def _judge(
        self, rows: list[VersionRow], served: dict[str, VersionRow], was_scanned: bool
    ) -> Readiness:
        loaded = {slot.model: slot.version for slot in self._pool.slots()}
        waiting = {model for model, row in served.items() if loaded.get(model) != row.version}
        waiting |= waiting_models(rows)
        if not was_scanned:
            waiting.add("the first look at the repository")
        # Once ready, ready: a model that is added later is no reason to take the others away, nor
        # is a sibling that was killed and comes back.
        if not waiting and not self.readiness.is_ready:
            waiting = self._siblings_wait_for(list(served.values()))
        return Readiness(self.readiness.is_ready or not waiting, tuple(sorted(waiting)))

    def _siblings_wait_for(self, served: list[VersionRow]) -> set[str]:
        """What other workers on this socket have not loaded yet."""
        others: list[WorkerRecord] = []
        for record in live_workers(self.store, time.time()):
            name = WorkerName.parse(record.worker)
            if self._reporter and name != self._reporter.name and name.is_here():
                others.append(record)
        waiting = {
            f"{row.model} in {WorkerName.parse(other.worker).spoken()}"
            for other in others
            for row in served
            if not other.is_serving(row.model, row.version)
        }
        missing = self._siblings - 1 - len(others)
        return waiting | ({f"workers yet to start: {missing}"} if missing > 0 else set())

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


def _fields(slot: Slot[Served]) -> dict[str, object]:
    return {"model": slot.model, "version": slot.version}
