"""Has the versions in memory that should be there, within the budget."""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Generic

from service.base.metrics import MODEL_EVICTIONS
from service.repository.policy import current_of
from service.repository.states import Held, VersionRow
from service.runtime.asked import Key
from service.runtime.pool import Pool
from service.runtime.slot import Absent, Served, Slot
from service.web.budget import IDLE_S, Budget, give_way, in_order
from service.web.outlook import Outlook
from service.web.version_loader import VersionLoader

logger = logging.getLogger(__name__)

SLICE_S = 0.2  # then the others are told how far it is, and changes are followed
LARGE_BYTES = 16 * 1024 * 1024  # the memory of such ones has to be free before more is taken
FREE_WAIT_S = 1.0
FREE_STEP_S = 0.005
ROOM_S = 0.05  # until those that are in the way may have become idle


class Residents(Generic[Served]):
    """What is loaded, what is to be, and in which order: what requests wait for comes first.

    `freed` counts the versions whose memory has been given back.
    """

    def __init__(
        self,
        pool: Pool[Served],
        loader: VersionLoader[Served],
        budget: Budget | None = None,
        freed: Callable[[], int] = lambda: 0,
    ) -> None:
        self._pool = pool
        self._loader = loader
        self._budget = budget or Budget()
        self._freed = freed
        self._used: Mapping[Key, float] = {}
        self._asked: list[Key] = []
        self._needed: set[Key] = set()

    @property
    def limit_bytes(self) -> int:
        """The budget; 0 without one."""
        return self._budget.limit_bytes

    @property
    def is_limited(self) -> bool:
        """True where some versions may have to stay cold."""
        return self._budget.limit_bytes > 0

    def retry(self, model: str) -> None:
        """Try what couldn't be loaded of a model again at once."""
        self._loader.retry(model)

    def call_when_loaded(self, call: Callable[[], object]) -> None:
        """Have `call` called when there is something to do for `load` that was begun before."""
        self._loader.side.on_end = call

    def close(self) -> None:
        """End what is under way."""
        self._loader.side.close()

    def learn(self, outlook: Outlook, used: Mapping[Key, float]) -> None:
        """Take an outlook into account, with the times of use from before this worker's time."""
        self._used = used
        self._asked = self._pool.asked(time.monotonic())
        self._needed = {(m, v) for m, route in outlook.routes.items() for v, _ in route.preparing}
        self._needed |= self._stood_in_for(outlook)
        rows = in_order(outlook.served(), used)
        served = {_key(row): self._loader.size_of(row) for row in rows}
        self._loader.keep(served)
        self._budget.want(served, self._asked, self._needed)

    def why_absent(self, row: VersionRow) -> Absent:
        """Why a served version isn't loaded."""
        failure = self._loader.failure_of(row)
        if failure is not None:
            return Absent(failure.held.reason, failure.is_passing)
        return self._budget.why_absent(_key(row))

    def load(self, outlook: Outlook, now: float, show: Callable[[str], None]) -> float:
        """Load for a while; `show` is told of each model. Seconds after which there is more to do.

        They are infinite where nothing is left.
        """
        taken = self._loader.take(outlook.served(), now, self._used)
        if taken is not None:
            show(taken.model)
        self._shrink()
        began = time.perf_counter()
        pause_s = math.inf
        for row in self._queue(outlook):
            if not self._loader.is_due(row, now):
                continue
            if time.perf_counter() - began > SLICE_S:
                return 0.0
            if self._make_room(row):
                self._loader.load(row, now, self._used.get(_key(row), 0.0))
                self._make_good(row, outlook)
            elif not self._budget.is_cold(_key(row)):
                pause_s = ROOM_S
            show(row.model)
        return pause_s

    def cold(self, outlook: Outlook) -> list[VersionRow]:
        """The served versions that wait for a request."""
        return [
            row
            for row in outlook.served()
            if self._budget.is_cold(_key(row)) and self._pool.slot(*_key(row)) is None
        ]

    def failed(self) -> list[Held]:
        """What couldn't be loaded."""
        return self._loader.held()

    def settled(self, outlook: Outlook) -> set[Key]:
        """All that nothing more is to be done for; of versions beside the current one, failures."""
        done = {(slot.model, slot.version) for slot in self._pool.slots()}
        done |= {_key(row) for row in self.cold(outlook)}
        return done | {
            _key(row)
            for row in outlook.served()
            if not row.current and self._loader.failure_of(row) is not None
        }

    def _stood_in_for(self, outlook: Outlook) -> set[Key]:
        """Current versions in whose place others answer meanwhile."""
        found = set()
        for model, rows in outlook.settled.items():
            current, directions = current_of(rows), self._pool.directions(model)
            if current is not None and directions and directions.current not in (None, current):
                found.add((model, current))
        return found

    def _queue(self, outlook: Outlook) -> list[VersionRow]:
        """What is wanted and not there in its present form, in the order of loading."""
        places = {key: place for place, key in enumerate(self._asked)}
        missing = []
        for row in in_order(outlook.served(), self._used):
            slot = self._pool.slot(*_key(row))
            if slot is None and self._budget.is_cold(_key(row)):
                continue
            if slot is None or slot.identity != row.identity:
                missing.append(row)
        last = len(places)
        return sorted(
            missing,
            key=lambda row: (places.get(_key(row), last), _key(row) not in self._needed),
        )

    def _make_room(self, row: VersionRow) -> bool:
        """Whether a version may be loaded now; others give way to one that is asked for."""
        key = _key(row)
        slots = self._pool.slots()
        replaced = self._pool.slot(*key)
        more = self._loader.size_of(row) - (replaced.size_bytes if replaced else 0)
        excess = self._budget.excess(slots, more)
        if excess <= 0:
            return True
        is_needed = key in self._needed or replaced is not None
        if not is_needed and key not in self._asked:
            self._budget.give_up([key])
            return False
        leaving = give_way(slots, excess, self._spared(slots) | {key}, time.time())
        is_enough = sum(slot.size_bytes for slot in leaving) >= excess
        is_alone = len(leaving) == len(slots)
        if not (is_enough or is_alone or is_needed):
            return False
        if not self._evict(leaving) and not is_needed:
            return False
        if not is_enough:
            fields = {"model": row.model, "version": row.version, "bytes": more}
            logger.warning("more than the memory for models", extra=fields)
        return True

    def _make_good(self, row: VersionRow, outlook: Outlook) -> None:
        """Undo a load that nobody asked for if it took more than its files told and than there was.

        Then the files of others tell too little as well: they are left to be asked for.
        """
        key, slots = _key(row), self._pool.slots()
        slot = self._pool.slot(*key)
        is_asked = key in self._asked or key in self._needed
        if is_asked or slot is None or len(slots) == 1 or self._budget.excess(slots) <= 0:
            self._shrink()
            return
        self._evict([slot])
        missing = {_key(row) for row in self._queue(outlook)}
        self._budget.give_up(missing - self._needed - set(self._asked))

    def _shrink(self) -> None:
        """Have versions give way where those in memory turned out larger; the last one stays."""
        slots = sorted(self._pool.slots(), key=lambda slot: slot.last_run)
        excess = self._budget.excess(slots)
        if excess > 0:
            self._evict(give_way(slots[:-1], excess, self._spared(slots), time.time()))

    def _spared(self, slots: Sequence[Slot[Served]]) -> set[Key]:
        """What is needed, and what goes on meanwhile in its place."""
        models = {model for model, _ in self._needed}
        return {(slot.model, slot.version) for slot in slots if slot.model in models}

    def _evict(self, slots: Sequence[Slot[Served]]) -> bool:
        """Close them, and return when their memory is free; false where one is used after all."""
        evicted = []
        freed = self._freed()
        for slot in slots:
            if self._pool.evict(slot, self._budget.cold, time.time() - IDLE_S):
                evicted.append(slot)
                MODEL_EVICTIONS.labels(slot.model).inc()
                fields = {"model": slot.model, "version": slot.version}
                logger.info("version evicted", extra=fields)
        self._budget.give_up((slot.model, slot.version) for slot in evicted)
        until = time.monotonic() + FREE_WAIT_S
        if any(slot.size_bytes >= LARGE_BYTES for slot in evicted):
            while self._freed() < freed + len(evicted) and time.monotonic() < until:
                time.sleep(FREE_STEP_S)
        return len(evicted) == len(slots)


def _key(row: VersionRow) -> Key:
    return row.model, row.version
