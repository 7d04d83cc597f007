"""One place where batches run: the event loop itself, or threads beside it.

All but the run belongs to the event loop, so there are no locks. Requests of one turn of the loop
form one batch; in threads, what arrives while as many runs as may be are under way does too.
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass

from service.base.errors import DeadlineExceeded, Overloaded, RuntimeLost
from service.base.signature import Tensors
from service.runtime.backlog import Backlog, QueueLimits
from service.runtime.batch import Answered, Choice, Waiting, choose_batch, gather, split

LOOP_LIMIT_S = 1.0  # what holds the event loop for longer goes to a thread from then on
LOOP_HELD_S = 0.1  # so does what is ended after less, but this much, for its request's deadline

Run = Callable[[Tensors, float | None], Tensors]
Observe = Callable[[int, int, float, float, float], None]
HandOver = Callable[[list[Waiting]], None]


@dataclass(slots=True)
class Bounds:
    """What the lanes of one version take; `max_rows` of 0 means that requests aren't joined."""

    name: str
    max_rows: int
    max_wait_s: float
    queue: QueueLimits
    parallel: int
    request_s: float


@dataclass(slots=True)
class Outcome:
    """What came of a run: a part for each request, or the error; neither if it can't be split."""

    parts: list[Tensors] | None = None
    error: Exception | None = None
    started_at: float = 0.0
    gather_s: float = 0.0
    run_s: float = 0.0
    split_s: float = 0.0


class Lane:
    """Requests wait here and are answered in batches, in `threads` or, without, on the loop.

    On the loop a run is ended after LOOP_LIMIT_S, and `hand_over` gets its requests.
    """

    def __init__(
        self,
        run: Run,
        bounds: Bounds,
        loop: asyncio.AbstractEventLoop,
        observe: Observe | None,
        threads: Executor | None = None,
        hand_over: HandOver | None = None,
    ) -> None:
        self._run = run
        self._bounds = bounds
        self._loop = loop
        self._observe = observe
        self._threads = threads
        self._hand_over = hand_over
        self._parallel = 1 if threads is None else bounds.parallel
        self._waiting: list[Waiting] = []
        self._under_way: list[list[Waiting]] = []
        self._backlog = Backlog(bounds.queue, self._parallel, bounds.request_s)
        self._is_due = False
        self._pause: asyncio.TimerHandle | None = None
        self._expiry: asyncio.TimerHandle | None = None
        self._expires_at = math.inf

    @property
    def is_idle(self) -> bool:
        """True when no run is under way."""
        return not self._under_way

    def add(self, item: Waiting) -> None:
        """Have a request answered. Raises Overloaded when as many wait as may."""
        if self._threads is None and self._backlog.is_full(len(self._waiting)):
            self._turn()  # what came in one turn of the loop needn't wait: it runs here anyway
        if self._backlog.is_full(len(self._waiting)):
            raise Overloaded(self._bounds.name, len(self._waiting))
        self._waiting.append(item)
        if self._threads is not None:
            if item.deadline < self._expires_at:
                self._expire_at(item.deadline)
            self._come_back()
        elif self._bounds.max_rows:
            self._come_back()
        else:  # nothing to gather, so nothing to come back for
            self._turn()

    def put_first(self, items: list[Waiting]) -> None:
        """Take requests that have waited already, however many wait."""
        self._waiting[:0] = items
        earliest = min((item.deadline for item in items), default=math.inf)
        if self._threads is not None and earliest < self._expires_at:
            self._expire_at(earliest)
        self._come_back()

    def take_waiting(self) -> list[Waiting]:
        """Give away what waits."""
        waiting, self._waiting = self._waiting, []
        return waiting

    def close(self) -> None:
        """Keep nothing of the version alive for the sake of a timer; called when idle."""
        for timer in (self._pause, self._expiry):
            if timer is not None:
                timer.cancel()

    def _come_back(self) -> None:
        if not self._is_due and self._waiting and len(self._under_way) < self._parallel:
            self._is_due = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        """Start one run, if there is room for one; after it, the loop gets its turn."""
        self._is_due = False
        if len(self._under_way) >= self._parallel:
            return
        now = time.monotonic()
        choice = choose_batch(self._waiting, self._bounds.max_rows, now)
        _give_up(choice.over, now)
        if self._is_early(choice, now):
            self._waiting = choice.chosen
            return
        self._waiting = choice.left
        if choice.chosen:
            self._start(choice.chosen, now)
        self._come_back()

    def _is_early(self, choice: Choice, now: float) -> bool:
        """True while the batch may still grow; it is then looked at again at the right time."""
        if not self._bounds.max_wait_s or not choice.chosen or choice.left:
            return False
        if self._backlog.is_full(len(self._waiting)):  # no more may come
            return False
        wait_s = choice.chosen[0].queued_at + self._bounds.max_wait_s - now
        if wait_s <= 0 or choice.chosen[0].is_alone or choice.rows >= self._bounds.max_rows:
            return False
        if self._pause is None:
            self._pause = self._loop.call_later(wait_s, self._resume)
        return True

    def _resume(self) -> None:
        self._pause = None
        self._come_back()

    def _start(self, batch: list[Waiting], now: float) -> None:
        self._under_way.append(batch)
        deadline = max([item.deadline for item in batch])
        if self._threads is None:
            self._finish(batch, self._attempt(batch, min(deadline, now + LOOP_LIMIT_S)), now)
            return
        try:
            self._threads.submit(self._work, batch, deadline, now)
        except RuntimeError as error:  # the threads have been shut down
            self._finish(batch, Outcome(error=error), now)

    def _work(self, batch: list[Waiting], deadline: float, began: float) -> None:
        now = time.monotonic()
        if all(item.is_over(now) for item in batch):  # while it waited for a thread
            outcome = Outcome(error=DeadlineExceeded(0))
        else:
            outcome = self._attempt(batch, deadline)
        with suppress(RuntimeError):  # the loop has been closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._finish, batch, outcome, began)

    def _attempt(self, batch: list[Waiting], deadline: float) -> Outcome:
        started = time.monotonic()
        try:
            inputs = gather(batch)
            gathered = time.monotonic()
            outputs = self._run(inputs, deadline if deadline < math.inf else None)
            ran = time.monotonic()
            parts = split(outputs, [item.rows for item in batch])
        except Exception as error:  # it belongs to whoever awaits the answer
            return Outcome(error=error, started_at=started)
        ended = time.monotonic()
        return Outcome(parts, None, started, gathered - started, ran - gathered, ended - ran)

    def _finish(self, batch: list[Waiting], outcome: Outcome, began: float) -> None:
        self._backlog.learn((time.monotonic() - began) / len(batch))
        self._under_way.remove(batch)
        if outcome.parts is not None:
            for item, part in zip(batch, outcome.parts, strict=True):
                if not item.future.done():
                    queue_s = outcome.started_at - item.queued_at
                    item.future.set_result(Answered(part, queue_s, outcome.run_s))
        elif outcome.error is not None:
            self._settle(batch, outcome.error, outcome.started_at)
        else:
            self._bounds.max_rows = 0
            self._try_alone(batch)
        self._come_back()
        if outcome.error is None and self._observe is not None:
            rows = sum([item.rows for item in batch])
            self._observe(rows, len(batch), outcome.gather_s, outcome.run_s, outcome.split_s)

    def _settle(self, batch: list[Waiting], error: Exception, started_at: float) -> None:
        """Give each request its own error; what may be one request's fault is tried again."""
        if isinstance(error, DeadlineExceeded):
            now = time.monotonic()
            if self._hand_over is None:  # what never began is over for the gone as for the late
                _give_up(batch, math.inf if started_at else now)
                return
            _give_up([item for item in batch if item.deadline <= now], now)
            patient = [item for item in batch if item.deadline > now]
            if patient or now - started_at > LOOP_HELD_S:
                self._hand_over(patient)
        elif len(batch) == 1 or isinstance(error, RuntimeLost):
            for item in batch:
                if not item.future.done():
                    item.future.set_exception(error)
        else:
            self._try_alone(batch)

    def _try_alone(self, batch: list[Waiting]) -> None:
        for item in batch:
            item.is_alone = True
        self.put_first(batch)

    def _expire_at(self, deadline: float) -> None:
        """Come back when the first of all deadlines is reached: a run may last for longer."""
        if self._expiry is not None:
            self._expiry.cancel()
        self._expires_at = deadline
        wait_s = max(0.0, deadline - time.monotonic())
        self._expiry = self._loop.call_later(wait_s, self._expire)

    def _expire(self) -> None:
        self._expiry, self._expires_at = None, math.inf
        now = time.monotonic()
        items = [*self._waiting, *(item for batch in self._under_way for item in batch)]
        _give_up([item for item in items if item.deadline <= now], now)
        self._waiting = [item for item in self._waiting if not item.future.done()]
        earliest = min((i.deadline for i in items if not i.future.done()), default=math.inf)
        if earliest < math.inf:
            self._expire_at(earliest)


def _give_up(items: Iterable[Waiting], now: float) -> None:
    """Tell those whose deadline has come so; the others' clients are gone, and nothing is told."""
    for item in items:
        if item.future.done():
            continue
        if item.deadline <= now:
            within_s = max(0.0, item.deadline - item.queued_at)
            item.future.set_exception(DeadlineExceeded(round(within_s, 3)))
        else:
            item.future.cancel()
