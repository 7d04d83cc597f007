"""A loaded version as it answers requests: decode, run, decide, encode, count."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

import numpy as np

from service.base.errors import (
    AnswerInvalid,
    DeadlineExceeded,
    KerasdError,
    Overloaded,
    RequestInvalid,
)
from service.base.signature import Tensors
from service.runtime.backlog import Backlog
from service.runtime.batcher import Batcher
from service.runtime.plan import Plan
from service.web.counted import Stopwatch, VersionMetrics
from service.web.decisions import Decided, decider
from service.web.exchange import Asked, Call, Facts, Reply, Translator
from service.web.tensors import all_finite

QUICK_BODY_BYTES = 64 * 1024
QUICK_BINARY_BYTES = 2 * 1024 * 1024
BINARY_HEADER = b"inference-header-content-length"


class ServedVersion:
    """One version with all that its answers need, put together when it is loaded."""

    def __init__(
        self, facts: Facts, batcher: Batcher, metrics: VersionMetrics, backlog: Backlog
    ) -> None:
        self.facts = facts
        self._batcher = batcher
        self._metrics = metrics
        self._decide = decider(facts.config, facts.signature)
        self._waiting = 0
        self._backlog = backlog  # of large bodies; the batcher has one of its own

    @property
    def plan(self) -> Plan:
        """How the version is run, with the figures that this was decided by."""
        return self._batcher.plan

    def answer(self, translator: Translator, call: Call) -> Reply:
        """The whole answer in this thread. Raises KerasdError; counts either way."""
        watch = Stopwatch()
        with self._counting_failures():
            asked = translator.decode(call, self.facts)
            watch.decode = watch.lap()
            outputs = self._batcher.run(asked.inputs, call.deadline)
            watch.infer = watch.lap()
            self._metrics.count_run(asked.rows, 1, 0.0, watch.infer, 0.0)
            return self._reply(translator, asked, outputs, watch)

    async def answer_soon(
        self, translator: Translator, call: Call, runs: Executor, is_gone: Callable[[], bool]
    ) -> Reply:
        """The answer, with nothing on the event loop that takes long.

        Raises CancelledError where `is_gone` says that nobody waits for it any more.
        """
        if not _is_small(call):
            return await self._answer_in_thread(translator, call, runs)
        watch = Stopwatch()
        with self._counting_failures():
            asked = translator.decode(call, self.facts)
            watch.decode = watch.lap()
            waits = self._batcher.place == "thread" and not is_gone()
            answered = await self._batcher.submit(
                asked.inputs, call.deadline, is_gone if waits else None
            )
            watch.queue = answered.queue_s
            watch.infer = watch.lap() - answered.queue_s
            return self._reply(translator, asked, answered.outputs, watch)

    def close(self) -> None:
        """Give the version back; called once, after its last lease."""
        self._metrics.flush()
        self._batcher.close()

    async def _answer_in_thread(self, translator: Translator, call: Call, runs: Executor) -> Reply:
        """Large bodies: everything in a thread, and few of them waiting for one."""
        if self._backlog.is_full(self._waiting):
            self._metrics.count_failed("rejected")
            raise Overloaded(f"model '{self.facts.identity.model}'", self._waiting)
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(runs, self._answer_in_time, translator, call)
        finally:
            self._waiting -= 1

    def _answer_in_time(self, translator: Translator, call: Call) -> Reply:
        if time.monotonic() >= call.deadline:
            self._metrics.count_failed("timeout")
            raise DeadlineExceeded(0)
        started = time.monotonic()
        try:
            return self.answer(translator, call)
        finally:
            self._backlog.learn(time.monotonic() - started)

    def _reply(
        self, translator: Translator, asked: Asked, outputs: Tensors, watch: Stopwatch
    ) -> Reply:
        _check_outputs(outputs, asked.rows, self.facts.config.allow_non_finite)
        decided = self._decided(outputs)
        reply = translator.encode(asked, self.facts, outputs, decided)
        watch.encode = watch.lap()
        self._metrics.count_ok(asked.rows, decided, watch)
        return reply

    def _decided(self, outputs: Tensors) -> Decided | None:
        if self._decide is None:
            return None
        return self._decide(outputs[self.facts.signature.outputs[0].name])

    @contextmanager
    def _counting_failures(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self._metrics.count_failed(outcome_of(error))
            raise


def _is_small(call: Call) -> bool:
    """True for a body that is decoded in no time; binary tensors are not parsed at all."""
    size = len(call.body)
    if size <= QUICK_BODY_BYTES:
        return True
    header = call.headers.get(BINARY_HEADER, b"")
    return size <= QUICK_BINARY_BYTES and header.isdigit() and int(header[:9]) <= QUICK_BODY_BYTES


def _check_outputs(outputs: Tensors, rows: int, allow_non_finite: bool) -> None:
    for name, array in outputs.items():
        if array.ndim == 0 or len(array) != rows:
            raise AnswerInvalid(name, f"has shape {array.shape} for {rows} instances")
        if array.dtype.kind == "f" and not allow_non_finite and not all_finite(array):
            row = int(np.nonzero(~np.isfinite(array))[0][0])
            raise AnswerInvalid(
                name,
                f"is not a finite number for instance {row}; "
                "check the range of that instance's inputs",
            )


def outcome_of(error: Exception) -> str:
    """The outcome under which a failed request is counted."""
    if isinstance(error, RequestInvalid):
        return "invalid"
    if isinstance(error, DeadlineExceeded):
        return "timeout"
    if isinstance(error, KerasdError) and error.status in (429, 503):
        return "rejected"
    return "error"
