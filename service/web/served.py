"""A loaded version as it answers requests: decode, run, decide, encode, count."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

import numpy as np

from service.base.errors import (
    AnswerInvalid,
    AnswerNotFinite,
    DeadlineExceeded,
    KerasdError,
    Overloaded,
    RequestInvalid,
    Unsupported,
)
from service.base.http_errors import BodyTooLarge
from service.base.signature import Tensors
from service.repository.decisions import Chosen, Decisions, maker
from service.runtime.backlog import Backlog
from service.runtime.batch import Answered
from service.runtime.batcher import Batcher
from service.runtime.plan import Plan
from service.web.agreement import Given
from service.web.counted import Stopwatch, VersionMetrics
from service.web.disconnect import Disconnect
from service.web.exchange import Asked, Call, Facts, Reply, Translator
from service.web.quality.receipting import Receipting
from service.web.tensors import all_finite

VERSION_HEADER = "X-Model-Version"
PREDICTION_HEADER = "X-Prediction-Id"
REQUEST_ID = b"x-request-id"
QUICK_OUTPUT_BYTES = 64 * 1024  # as many are checked and written in about a millisecond


class ServedVersion:
    """One version with all that its answers need, put together when it is loaded."""

    def __init__(
        self,
        facts: Facts,
        batcher: Batcher,
        metrics: VersionMetrics,
        backlog: Backlog,
        receipting: Receipting | None = None,
    ) -> None:
        self.facts = facts
        self._batcher = batcher
        self._metrics = metrics
        self._decide = maker(facts.config, facts.signature)
        self._version = (VERSION_HEADER, str(facts.identity.version))
        self._in_threads = 0
        self._receipting = receipting
        self._backlog = backlog  # of large bodies; the batcher has one of its own

    @property
    def plan(self) -> Plan:
        """How the version is run, with the figures that this was decided by."""
        return self._batcher.plan

    def answer(self, translator: Translator, call: Call, watch: Stopwatch | None = None) -> Reply:
        """The whole answer in this thread. Raises KerasdError; counts either way."""
        watch = self._watch(call, watch or Stopwatch())
        with self._counting_failures():
            asked = translator.decode(call, self.facts)
            watch.decode = watch.lap()
            outputs = self._batcher.run(asked.inputs, call.deadline)
            watch.infer = watch.lap()
            self._metrics.count_run(asked.rows, 1, 0.0, watch.infer, 0.0)
            return self._reply(translator, call, asked, outputs, watch)

    async def answer_soon(
        self, translator: Translator, call: Call, runs: Executor, disconnect: Disconnect
    ) -> Reply:
        """The answer, with nothing on the event loop that takes long.

        Raises CancelledError where nobody waits for it any more.
        """
        watch = Stopwatch()
        if not translator.is_small(call, self.facts):
            return await self._answer_in_thread(translator, call, runs, disconnect, watch)
        self._watch(call, watch)
        with self._counting_failures():
            asked = translator.decode(call, self.facts)
            watch.decode = watch.lap()
            answered = await self._run(asked, call, disconnect)
            watch.queue = answered.queue_s
            watch.infer = watch.lap() - answered.queue_s
            if sum(array.nbytes for array in answered.outputs.values()) <= QUICK_OUTPUT_BYTES:
                return self._reply(translator, call, asked, answered.outputs, watch)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(
                None, self._reply, translator, call, asked, answered.outputs, watch
            )

    def try_out(self, inputs: Tensors, deadline: float) -> Given:
        """What would be answered, in this thread; it isn't counted, as nobody has asked for it."""
        outputs = self._batcher.run(inputs, deadline)
        rows = len(inputs[self.facts.signature.inputs[0].name])
        _check_outputs(outputs, rows, self.facts.config.allow_non_finite)
        return _given(outputs, self._decided(outputs))

    def refuse(self, error: KerasdError) -> KerasdError:
        """Count a request that was refused before it was looked at; the error, to be raised."""
        self._metrics.count_failed(outcome_of(error))
        return error

    def flush(self) -> None:
        """Count now what waits to be counted."""
        self._metrics.flush()

    def close(self) -> None:
        """Give the version back; called once, after its last lease."""
        self.flush()
        self._batcher.close()

    def _watch(self, call: Call, watch: Stopwatch) -> Stopwatch:
        if call.span is not None:
            call.span.saw(self.facts.identity.model, self.facts.identity.version, watch)
        return watch

    async def _run(self, asked: Asked, call: Call, disconnect: Disconnect) -> Answered:
        if self._batcher.place == "loop":
            return await self._batcher.submit(asked.inputs, call.deadline)
        disconnect.start()
        with self._metrics.waiting():
            return await self._batcher.submit(asked.inputs, call.deadline, disconnect.is_heard)

    async def _answer_in_thread(
        self,
        translator: Translator,
        call: Call,
        runs: Executor,
        disconnect: Disconnect,
        watch: Stopwatch,
    ) -> Reply:
        """Large bodies: everything in a thread, and few of them waiting for one."""
        if self._backlog.is_full(self._in_threads - self._backlog.parallel):
            raise self.refuse(Overloaded(f"model '{self.facts.identity.model}'", self._in_threads))

        def work() -> Reply:
            watch.waited()
            if disconnect.is_heard():
                raise asyncio.CancelledError
            if time.monotonic() >= call.deadline:
                raise self.refuse(DeadlineExceeded(0))
            began = time.perf_counter()
            try:
                return self.answer(translator, call, watch)
            finally:  # a body that turns out wrong has kept the thread too
                self._backlog.learn(time.perf_counter() - began)

        self._in_threads += 1
        disconnect.start()
        try:
            with self._metrics.waiting():
                return await asyncio.get_running_loop().run_in_executor(runs, work)
        finally:
            self._in_threads -= 1

    def _reply(
        self,
        translator: Translator,
        call: Call,
        asked: Asked,
        outputs: Tensors,
        watch: Stopwatch,
    ) -> Reply:
        _check_outputs(outputs, asked.rows, self.facts.config.allow_non_finite)
        decided = self._decided(outputs)
        receipt = self._receive(call, asked, outputs, decided)
        reply = translator.encode(asked, self.facts, outputs, decided, receipt)
        watch.encode = watch.lap()
        self._metrics.count_ok(asked.rows, decided, watch)
        if call.copied is not None:
            call.copied(asked.inputs, _given(outputs, decided))
        if receipt:
            reply.headers += (self._version, (PREDICTION_HEADER, receipt))
        else:
            reply.headers += (self._version,)
        return reply

    def _receive(
        self, call: Call, asked: Asked, outputs: Tensors, decided: Decisions | None
    ) -> str:
        """The receipt of an answer; the client may call it something in the body or the head."""
        if self._receipting is None:
            return ""
        own = asked.name
        if not own and REQUEST_ID in call.headers:
            own = call.headers[REQUEST_ID].decode("latin-1")
        return self._receipting.receive(asked, outputs, decided, own, call.is_labelled)

    def _decided(self, outputs: Tensors) -> Decisions | None:
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


def _given(outputs: Tensors, decided: Decisions | None) -> Given:
    if decided is None:
        return Given(outputs)
    return Given(outputs, decided.chosen if isinstance(decided, Chosen) else decided.class_index)


def _check_outputs(outputs: Tensors, rows: int, allow_non_finite: bool) -> None:
    for name, array in outputs.items():
        if array.ndim == 0 or len(array) != rows:
            raise AnswerInvalid(name, f"has shape {array.shape} for {rows} instances")
        if array.dtype.kind == "f" and not allow_non_finite and not all_finite(array):
            row = int(np.nonzero(~np.isfinite(array))[0][0])
            raise AnswerNotFinite(name, row)


def outcome_of(error: Exception) -> str:
    """The outcome under which a failed request is counted."""
    if isinstance(error, (RequestInvalid, BodyTooLarge, Unsupported)):
        return "invalid"
    if isinstance(error, DeadlineExceeded):
        return "timeout"
    if isinstance(error, Overloaded):
        return "rejected"
    return "error"
