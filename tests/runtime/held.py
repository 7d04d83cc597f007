"""Versions whose runs a test begins, holds and ends as it likes, and a way to ask them."""

import asyncio
import queue
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np

from service.base.errors import TensorInvalid
from service.base.signature import Tensors
from service.runtime.backlog import QueueLimits
from service.runtime.batcher import Batcher
from service.runtime.plan import Plan
from tests.fakes import FLOAT_SIGNATURE, FakeVersion

LONG_S = 60.0
ON_LOOP = Plan(True, 8, 0.0, 8, 1, 1, {}, "")
IN_THREAD = Plan(True, 8, 0.0, 0, 1, 1, {}, "")


class RecordedVersion(FakeVersion):
    """Notes the rows of every run; refuses batches with a row that begins with a negative."""

    def __init__(self, sums: bool = False) -> None:
        super().__init__(FLOAT_SIGNATURE, factor=2.0, sums=sums)
        self.runs: list[int] = []
        self.deadlines: list[float | None] = []

    def run(self, inputs: Tensors, deadline: float | None = None) -> Tensors:
        self.runs.append(len(inputs["x"]))
        self.deadlines.append(deadline)
        if (inputs["x"] < 0).any():
            raise TensorInvalid("inputs", "no negative values", "some")
        return super().run(inputs, deadline)


class HeldVersion(RecordedVersion):
    """Every run waits until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self._begun: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._released = threading.Semaphore(0)

    def run(self, inputs: Tensors, deadline: float | None = None) -> Tensors:
        self._begun.put(None)
        assert self._released.acquire(timeout=LONG_S)
        return super().run(inputs, deadline)

    async def has_begun(self) -> None:
        """Wait until one more run has begun."""
        await asyncio.to_thread(self._begun.get, timeout=LONG_S)

    def release(self, runs: int = 1) -> None:
        """Let so many runs go on."""
        self._released.release(runs)


def rows(*values: float) -> Tensors:
    """One row for each value."""
    return {"x": np.array([[value, 0, 0] for value in values], "float32")}


@contextmanager
def batcher(
    version: FakeVersion, plan: Plan = ON_LOOP, max_queue: int = 100, max_queue_s: float = 60
) -> Iterator[Batcher]:
    """A batcher with threads of its own."""
    with ThreadPoolExecutor(2) as threads:
        yield Batcher(version, plan, threads, QueueLimits(max_queue, max_queue_s), name="digits")


async def ask(batcher: Batcher, *values: float, within_s: float = LONG_S) -> list[float]:
    """The first number of each row of the answer."""
    answered = await batcher.submit(rows(*values), time.monotonic() + within_s)
    first: list[float] = answered.outputs["y"][:, 0].tolist()
    return first


async def ask_all(batcher: Batcher, *requests: list[float]) -> list[list[float]]:
    """The same for several requests of one turn of the loop."""
    return list(await asyncio.gather(*(ask(batcher, *values) for values in requests)))


async def turns(count: int = 3) -> None:
    """Let the loop go round."""
    for _ in range(count):
        await asyncio.sleep(0)
