"""Keeps this worker's loaded versions, and where requests go, equal to what the database says."""

import logging
import math
import os
import threading
import time
from datetime import datetime
from typing import Generic

import sqlalchemy.exc

from service.base.database_errors import database_words
from service.base.metrics import LOADED_BYTES, MEMORY_BUDGET, WORKER_MEMORY
from service.base.resident import resident_bytes
from service.repository.states import Held, Loading, VersionRow
from service.repository.store import VersionStore
from service.repository.workers import Reporter, WorkerName
from service.runtime.asked import Key
from service.runtime.pool import Pool
from service.runtime.slot import Served
from service.web.guide import Guide
from service.web.outlook import Outlook, look_out
from service.web.readiness import NOT_LOOKED, Readiness, Siblings, judge
from service.web.residents import Residents
from service.web.usage import Usage

logger = logging.getLogger(__name__)

POLL_S = 0.4
BELL_S = 0.05
SHORTEST_PAUSE_S = 0.02


class Reloader(Generic[Served]):
    """A thread that polls; `step` is public so that tests call it with their own time.

    `siblings` is how many workers listen on this worker's socket, itself included. `hasty` reads
    the same store without waiting for locks.
    """

    def __init__(
        self,
        store: VersionStore,
        pool: Pool[Served],
        residents: Residents[Served],
        siblings: int = 1,
        name: WorkerName | None = None,
        hasty: VersionStore | None = None,
    ) -> None:
        self.store = store
        self._pool = pool
        self._residents = residents
        self._guide = Guide(store, pool, residents, hasty)
        self._usage = Usage(store)
        self._siblings = Siblings(store, siblings)
        self._name = name
        self._reporter: Reporter | None = None
        self._used: dict[Key, float] | None = None
        self._read: dict[str, int] = {}
        self._seen: dict[str, int] = {}
        self._undrained: dict[str, int] = {}
        self._heard = 0
        self._pause_s = math.inf
        self._is_stopping = False
        self._wake = threading.Event()
        residents.call_when_loaded(self._wake.set)
        self._begun = self._finished = 0
        self._thread: threading.Thread | None = None
        self._outlook = Outlook()
        self._scanned_at: datetime | None = None
        self.rows: list[VersionRow] = []
        self.readiness = NOT_LOOKED

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
        self._residents.close()
        self._usage.gather(self._pool.slots())
        self._usage.save()
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
        return self._finished >= ticket

    def step(self, now: float) -> None:
        """Read the rows, load what is new, drop what is gone, and tell the others."""
        self._heard = self._pool.rung
        if self._reporter is None:  # in the worker, after the fork
            self._reporter = Reporter(self.store, self._name or WorkerName.of(os.getpid()))
        self._reporter.announce(now)  # before it looks: see `control.py`
        outlook, was_scanned = self._look()
        for model, route in outlook.routes.items():
            if route.revision != self._read.get(model):
                self._residents.retry(model)  # what was asked for anew is tried again at once
        self._read = {model: route.revision for model, route in outlook.routes.items()}
        slots = self._pool.slots()
        self._usage.gather(slots)
        self._residents.learn(outlook, self._used or {})
        if was_scanned:
            self._guide.lead(outlook)
        self._guide.drop(outlook)
        self._pause_s = self._residents.load(outlook, now, self._guide.show)
        self._guide.drop(outlook)  # what stood in for those that are there now
        self._usage.gather(slots)  # to the last request of those that were dropped
        self._tell(outlook, now)
        self.readiness = self._judge(outlook, was_scanned)
        self._usage.note(now)
        self._measure()

    def _look(self) -> tuple[Outlook, bool]:
        """What is recorded now. The routes come first: the rows are as new as they are."""
        if self._used is None and self._residents.is_limited:
            self._used = self._usage.read()
        routes = self._guide.read_routes()
        scanned_at = self.store.scanned_at()  # first: rows written meanwhile are no empty scan
        is_same = routes is self._outlook.routes and scanned_at == self._scanned_at
        if scanned_at is None or not is_same:
            self._outlook = look_out(self.store.rows(), routes)
            self._scanned_at = scanned_at
            self.rows = [row for rows in self._outlook.settled.values() for row in rows]
        return self._outlook, scanned_at is not None

    def _tell(self, outlook: Outlook, now: float) -> None:
        """Report what is held, and each route that all leases under way have gone by."""
        self._undrained = {}
        before = dict(self._seen)
        for model, route in outlook.routes.items():
            if self._pool.is_drained(model, route.revision):
                self._seen[model] = route.revision
            else:
                self._undrained[model] = route.revision
        self._seen = {m: seen for m, seen in self._seen.items() if m in outlook.routes}
        if self._seen != before:
            self._usage.write()  # whoever waits for this may be about to delete what wasn't used
        if self._reporter is not None:
            self._reporter.tell(self._held(outlook), dict(self._seen), now)

    def _held(self, outlook: Outlook) -> list[Held]:
        """What the others are told: what is loaded, what is cold, and what couldn't be loaded."""
        loaded = [
            Held(slot.model, slot.version, slot.identity, Loading.LOADED)
            for slot in self._pool.slots()
        ]
        cold = [
            Held(row.model, row.version, row.identity, Loading.COLD, "it is not in memory")
            for row in self._residents.cold(outlook)
        ]
        return loaded + cold + self._residents.failed()

    def _judge(self, outlook: Outlook, was_scanned: bool) -> Readiness:
        if not was_scanned:
            return Readiness(self.readiness.is_ready, ("the first look at the repository",))
        name = self._reporter.name if self._reporter else WorkerName.of(os.getpid())
        return judge(
            self.readiness,
            outlook.awaited(),
            self._residents.settled(outlook),
            lambda: self._siblings.wait_for(outlook.served(), name),
        )

    def _measure(self) -> None:
        WORKER_MEMORY.set(resident_bytes())
        LOADED_BYTES.set(sum(slot.size_bytes for slot in self._pool.slots()))
        MEMORY_BUDGET.set(self._residents.limit_bytes)

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
                    logger.warning("database not readable", extra={"why": database_words(error)})
                is_reachable = False
            except Exception:  # the loop must live on, whatever one look has met
                logger.exception("reload failed")
            self._finished = self._begun
            self._pause()

    def _pause(self) -> None:
        """Wait for news; however many ask, the database is asked no more often than this."""
        time.sleep(SHORTEST_PAUSE_S)
        until = time.monotonic() + min(POLL_S, self._pause_s)
        while time.monotonic() < until and not self._wake.wait(BELL_S):
            if self._pool.rung != self._heard or self._has_drained():
                return

    def _has_drained(self) -> bool:
        return any(self._pool.is_drained(*waiting) for waiting in self._undrained.items())
