"""A version that gathers the requests of one event loop into runs, as its plan says.

It is a loaded version itself: `run` goes straight through. `submit` belongs to one event loop.
"""

import asyncio
import logging
import math
import time
from concurrent.futures import Executor

from service.base.signature import Signature, Tensors
from service.runtime.backlog import QueueLimits
from service.runtime.batch import Answered, IsGone, ItemShape, Waiting
from service.runtime.lane import Bounds, Lane, Observe
from service.runtime.measurement import Measured
from service.runtime.plan import Place, Plan
from service.runtime.version import LoadedVersion

logger = logging.getLogger(__name__)

CLOSE_POLL_S = 0.05


class Batcher:
    """Short runs take place on the loop, long ones in `threads`, which belong to the caller.

    `observe(rows, requests, gather_s, run_s, split_s)` is called on the loop after every run.
    """

    def __init__(
        self,
        version: LoadedVersion,
        plan: Plan,
        threads: Executor,
        queue: QueueLimits,
        observe: Observe | None = None,
        name: str = "this model",
    ) -> None:
        self.plan = plan
        self._version = version
        self._threads = threads
        self._observe = observe
        self._loop_rows = plan.loop_rows
        max_rows = plan.max_batch_size if plan.is_batched else 0
        self._bounds = Bounds(
            name, max_rows, plan.max_wait_s, queue, plan.parallel, _request_s(plan)
        )
        self._first, *self._others = [spec.name for spec in version.signature.inputs]
        self._free = _free_items(version.signature, version.measured.free_axis)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_loop: Lane | None = None
        self._in_threads: Lane | None = None

    @property
    def signature(self) -> Signature:
        """What goes in and what comes out."""
        return self._version.signature

    @property
    def measured(self) -> Measured:
        """All that was found out when the version was loaded."""
        return self._version.measured

    @property
    def place(self) -> Place:
        """Where usual runs take place now: a run that held the loop for too long moves all."""
        return "loop" if self._loop_rows else "thread"

    @property
    def is_batched(self) -> bool:
        """True while requests are joined; ends when outputs turn out not to be splittable."""
        return self._bounds.max_rows > 0

    def run(self, inputs: Tensors, deadline: float | None = None) -> Tensors:
        """The outputs for one request, alone and in this thread."""
        return self._version.run(inputs, deadline)

    def submit(
        self, inputs: Tensors, deadline: float, is_gone: IsGone | None = None
    ) -> asyncio.Future[Answered]:
        """The answer to await. Raises Overloaded at once when too many requests wait.

        Awaiting raises DeadlineExceeded soon after the deadline, and CancelledError where `is_gone`
        says, just before its run, that nobody wants the answer any more.
        """
        if self._on_loop is None or self._in_threads is None or self._loop is None:
            self._open_lanes(asyncio.get_running_loop())
            return self.submit(inputs, deadline, is_gone)
        rows = len(inputs[self._first])
        future: asyncio.Future[Answered] = self._loop.create_future()
        item = Waiting(inputs, rows, deadline, time.monotonic(), future, is_gone)
        if self._others:  # rows of one request must never meet rows of another
            item.is_alone = any(len(inputs[name]) != rows for name in self._others)
        if self._free:
            item.item_shape = tuple([inputs[name].shape[1:] for name in self._free])
            rows = self._weigh(item.item_shape, rows)
        lane = self._on_loop if rows <= self._loop_rows else self._in_threads
        lane.add(item)
        return future

    def close(self) -> None:
        """Close the version once the runs have ended whose callers left without awaiting them."""
        if self._loop is None:
            self._version.close()
            return
        try:
            self._loop.call_soon_threadsafe(self._close_when_idle)
        except RuntimeError:  # the loop has been closed before: there can be no run
            self._version.close()

    def _open_lanes(self, loop: asyncio.AbstractEventLoop) -> None:
        run, bounds, observe = self._version.run, self._bounds, self._observe
        self._loop = loop
        self._in_threads = Lane(run, bounds, loop, observe, threads=self._threads)
        self._on_loop = Lane(run, bounds, loop, observe, hand_over=self._move_to_threads)

    def _weigh(self, shape: ItemShape, rows: int) -> int:
        """How many rows of the measured length a run of such rows is like, others joined to it."""
        longest = max(
            math.prod(item) / size for item, size in zip(shape, self._free.values(), strict=True)
        )
        return math.ceil(max(rows, self._bounds.max_rows) * longest)

    def _move_to_threads(self, overdue: list[Waiting]) -> None:
        """Hold the loop no more: a run did so for longer than measured."""
        if self._loop_rows:
            logger.warning("runs moved to threads", extra={"served": self._bounds.name})
        self._loop_rows = 0
        if self._in_threads is not None and self._on_loop is not None:
            self._in_threads.put_first([*overdue, *self._on_loop.take_waiting()])

    def _close_when_idle(self) -> None:
        lanes = [lane for lane in (self._on_loop, self._in_threads) if lane is not None]
        if all(lane.is_idle for lane in lanes):
            for lane in lanes:
                lane.close()
            self._version.close()
        elif self._loop is not None:
            self._loop.call_later(CLOSE_POLL_S, self._close_when_idle)


def _request_s(plan: Plan) -> float:
    """Measured seconds that a request of one row takes where as many as may be are joined."""
    sizes = [rows for rows in plan.times if rows <= plan.max_batch_size]
    return min((plan.times[rows] / rows for rows in sizes), default=0.0)


def _free_items(signature: Signature, length: int) -> dict[str, int]:
    """The inputs that have free axes, with the numbers an item had when it was measured."""
    return {
        spec.name: max(1, math.prod(axis or length for axis in spec.item_shape))
        for spec in signature.inputs
        if None in spec.item_shape
    }
