"""A served version asked as the plane asks it, on threads and a clock that belong to the test."""

import asyncio
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

import orjson

from service.base.signature import Tensors
from service.repository.model_config import ModelConfig
from service.runtime.backlog import Backlog, QueueLimits
from service.runtime.batcher import Batcher
from service.web.counted import VersionMetrics
from service.web.disconnect import Disconnect
from service.web.exchange import Call, Facts, Identity, Reply
from service.web.paths import PredictPath
from service.web.served import ServedVersion
from service.web.v1.predict import Predict
from tests.fakes import FakeVersion
from tests.runtime.held import IN_THREAD, LONG_S, ON_LOOP, HeldVersion
from tests.web.client import Message, counted

SMALL = orjson.dumps({"instances": [[1, 2, 3]]})
LARGE = SMALL + b" " * 70_000
ROOMY = QueueLimits(100, LONG_S)


async def stays() -> Message:
    """A client that waits for its answer."""
    never: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
    return await never


async def leaves() -> Message:
    """A client that has gone."""
    return {"type": "http.disconnect"}


class Clock:
    """Stands in for the module `time`; it goes only when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def perf_counter(self) -> float:
        return self.now

    monotonic = time = perf_counter


class Clocked(HeldVersion):
    """Every run takes two seconds of such a clock."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def run(self, inputs: Tensors, deadline: float | None = None) -> Tensors:
        outputs = super().run(inputs, deadline)
        self._clock.now += 2
        return outputs


@dataclass
class Desk:
    """A served version with threads of its own, asked as the plane asks."""

    served: ServedVersion
    threads: ThreadPoolExecutor
    translator: Predict

    async def ask(self, body: bytes, deadline: float = math.inf, is_left: bool = False) -> Reply:
        call = Call(PredictPath("m", None, "predict"), {}, body, deadline)
        disconnect = Disconnect(leaves if is_left else stays)
        try:
            return await self.served.answer_soon(self.translator, call, self.threads, disconnect)
        finally:
            disconnect.close()

    def start(self, body: bytes, is_left: bool = False) -> "asyncio.Task[Reply]":
        return asyncio.create_task(self.ask(body, is_left=is_left))


@contextmanager
def desk(
    version: FakeVersion,
    name: str,
    threads: int = 1,
    queue: QueueLimits = ROOMY,
    translator: Predict | None = None,
    is_on_loop: bool = True,
) -> Iterator[Desk]:
    config = ModelConfig()
    facts = Facts(Identity(name, 2, "f" * 64), version.signature, config, False, 1000)
    metrics = VersionMetrics(name, 2, ())
    plan = replace(ON_LOOP if is_on_loop else IN_THREAD, is_batched=False, parallel=threads)
    with ThreadPoolExecutor(threads, "predict") as pool:
        batcher = Batcher(version, plan, pool, queue, metrics.count_run, name)
        served = ServedVersion(facts, batcher, metrics, Backlog(queue, threads))
        yield Desk(served, pool, translator or Predict())
        served.close()


def outcomes(name: str) -> dict[str, float]:
    """How many requests of a model ended how."""
    kinds = ("ok", "invalid", "error", "rejected", "timeout")
    found = {
        kind: counted("kerasd_predict_requests_total", model=name, version="2", outcome=kind)
        for kind in kinds
    }
    return {kind: count for kind, count in found.items() if count}
