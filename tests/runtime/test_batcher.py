"""A batcher: a loaded version that answers each request as if it had been alone."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from service.base.errors import DeadlineExceeded
from service.base.signature import Signature, Tensors, TensorSpec
from service.runtime import batcher as batching
from service.runtime import lane
from service.runtime.backlog import QueueLimits
from service.runtime.batcher import Batcher
from service.runtime.lane import LOOP_HELD_S
from service.runtime.onnx import OnnxVersion
from service.runtime.plan import Place, Plan
from tests.fakes import FakeVersion
from tests.runtime.held import (
    IN_THREAD,
    LONG_S,
    ON_LOOP,
    HeldVersion,
    RecordedVersion,
    ask,
    ask_all,
    batcher,
    rows,
    turns,
)
from tests.runtime.models import summing

FREE = Signature(
    (TensorSpec("x", "float32", (None, None)),), (TensorSpec("y", "float32", (None, None)),)
)
TWO = Signature(
    (TensorSpec("x", "float32", (None, 1)), TensorSpec("z", "float32", (None, 1))),
    (TensorSpec("y", "float32", (None, 1)),),
)


class Traced(FakeVersion):
    """Notes the shape of every run and the thread that it took place in."""

    def __init__(self, signature: Signature) -> None:
        super().__init__(signature)
        self.shapes: list[tuple[int, ...]] = []
        self.threads: list[threading.Thread] = []

    def run(self, inputs: Tensors, deadline: float | None = None) -> Tensors:
        self.shapes.append(inputs["x"].shape)
        self.threads.append(threading.current_thread())
        return super().run(inputs, deadline)

    @property
    def was_on_loop(self) -> list[bool]:
        return [thread is threading.main_thread() for thread in self.threads]


class Overrunning(RecordedVersion):
    """Never ends in time on the loop; quick elsewhere."""

    def run(self, inputs: Tensors, deadline: float | None = None) -> Tensors:
        if threading.current_thread() is threading.main_thread():
            raise DeadlineExceeded(1)
        return super().run(inputs, deadline)


def test_it_is_the_version_that_it_wraps() -> None:
    version = RecordedVersion()
    with batcher(version) as wrapped:
        assert wrapped.signature is version.signature
        deadline = time.monotonic() + LONG_S
        assert wrapped.run(rows(1, 2), deadline)["y"][:, 0].tolist() == [2, 4]
        assert version.deadlines == [deadline]
        wrapped.close()
    assert version.is_closed


def test_short_runs_stay_on_the_loop_and_long_ones_leave_it() -> None:
    async def scene() -> None:
        await asyncio.gather(*(submit(short, *shape) for shape in ((1, 3), (8, 3), (9, 3))))

    version = Traced(RecordedVersion().signature)
    with batcher(version, replace(ON_LOOP, max_batch_size=4)) as short:
        asyncio.run(scene())
        assert dict(zip(version.shapes, version.was_on_loop, strict=True)) == {
            (1, 3): True, (8, 3): True, (9, 3): False,
        }  # fmt: skip


def test_only_rows_of_one_length_meet_and_long_ones_leave_the_loop() -> None:
    async def scene() -> None:
        lengths = (2, 3, 2, 800, 3)
        answers = await asyncio.gather(*(submit(free, 1, length) for length in lengths))
        assert [answer.shape for answer in answers] == [(1, length) for length in lengths]

    version = Traced(FREE)
    with batcher(version) as free:
        asyncio.run(scene())
    assert sorted(version.shapes) == [(1, 800), (2, 2), (2, 3)]
    assert version.was_on_loop[version.shapes.index((1, 800))] is False
    assert sum(version.was_on_loop) == 2


def test_a_request_whose_inputs_differ_in_rows_meets_no_other() -> None:
    async def scene() -> None:
        deadline = time.monotonic() + LONG_S
        uneven = [{"x": np.ones((x, 1)), "z": np.ones((z, 1))} for x, z in ((2, 1), (1, 2))]
        await asyncio.gather(*(two.submit(inputs, deadline) for inputs in uneven))

    version = Traced(TWO)
    with batcher(version) as two:
        asyncio.run(scene())
    assert version.shapes == [(2, 1), (1, 1)]


def test_what_holds_the_loop_too_long_is_moved_to_threads_and_answered() -> None:
    async def scene() -> None:
        places.append(moved.place)
        assert await ask_all(moved, [1], [2]) == [[2], [4]]
        places.append(moved.place)
        assert await ask(moved, 3) == [6]

    places: list[Place] = []
    with batcher(Overrunning()) as moved:
        asyncio.run(scene())
    assert places == ["loop", "thread"]


def test_the_loop_is_given_a_second_at_most() -> None:
    async def scene() -> None:
        started = time.monotonic()
        await ask(limited, 1)
        assert version.deadlines[0] is not None
        assert version.deadlines[0] <= started + 2

    version = RecordedVersion()
    with batcher(version) as limited:
        asyncio.run(scene())


class Clock:
    """Stands in for the module `time`; runs make it go on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("within_s", "places"),
    [(LOOP_HELD_S / 2, ["loop"]), (LOOP_HELD_S * 2, ["thread"])],
    ids=["soon", "late"],
)
def test_a_deadline_moves_runs_only_if_it_ends_one_that_held_the_loop(
    monkeypatch: pytest.MonkeyPatch, within_s: float, places: list[Place]
) -> None:
    async def scene() -> None:
        with pytest.raises(DeadlineExceeded):
            await kept.submit(rows(1), clock.now + within_s)

    class Late(RecordedVersion):
        def run(self, inputs: Tensors, deadline: float | None = None) -> Tensors:
            assert deadline is not None
            self.deadlines.append(deadline)
            clock.now = deadline
            raise DeadlineExceeded(1)

    clock = Clock()
    monkeypatch.setattr(lane, "time", clock)
    monkeypatch.setattr(batching, "time", clock)
    version = Late()
    with batcher(version) as kept:
        asyncio.run(scene())
        assert [kept.place] == places
    assert version.deadlines == [1000.0 + within_s]


def test_it_tells_how_long_everything_took() -> None:
    async def scene() -> None:
        first, second = await asyncio.gather(
            told.submit(rows(1), time.monotonic() + LONG_S),
            told.submit(rows(2, 3), time.monotonic() + LONG_S),
        )
        assert first.queue_s >= second.queue_s > 0
        assert first.run_s == second.run_s > 0

    observed: list[tuple[int, int]] = []

    def observe(rows: int, requests: int, gather_s: float, run_s: float, split_s: float) -> None:
        assert min(gather_s, run_s, split_s) > 0
        observed.append((rows, requests))

    with ThreadPoolExecutor(1) as threads:
        told = Batcher(RecordedVersion(), ON_LOOP, threads, QueueLimits(9, 60), observe)
        asyncio.run(scene())
    assert observed == [(3, 2)]


def test_it_closes_only_after_a_run_whose_caller_has_left() -> None:
    async def scene() -> None:
        task = asyncio.create_task(ask(held, 1))
        await version.has_begun()
        task.cancel()
        await turns()
        await asyncio.to_thread(held.close)
        await turns()
        assert not version.is_closed
        version.release()
        assert await asyncio.to_thread(closed.wait, LONG_S)

    class Closing(HeldVersion):
        def close(self) -> None:
            super().close()
            closed.set()

    closed = threading.Event()
    version = Closing()
    with batcher(version, IN_THREAD) as held:
        asyncio.run(scene())
    assert version.runs == [1]


def test_it_closes_after_its_loop_has_ended() -> None:
    version = RecordedVersion()
    with batcher(version) as used:
        asyncio.run(_forget(used))
        used.close()
    assert version.is_closed


@pytest.mark.parametrize("plan", [ON_LOOP, IN_THREAD], ids=["loop", "thread"])
def test_a_real_session_answers_everybody_as_if_alone(tmp_path: Path, plan: Plan) -> None:
    async def scene() -> None:
        deadline = time.monotonic() + LONG_S
        random = np.random.default_rng(3)
        for _ in range(20):
            inputs = [
                {"x": random.normal(size=(size, 2)).astype("float32")}
                for size in random.integers(1, 9, size=12)
            ]
            answers = await asyncio.gather(*(real.submit(one, deadline) for one in inputs))
            for one, answer in zip(inputs, answers, strict=True):
                np.testing.assert_allclose(
                    answer.outputs["y"], version.run(one)["y"], rtol=1e-5, atol=1e-6
                )

    version = OnnxVersion(tmp_path, summing(tmp_path))
    with ThreadPoolExecutor(2) as threads:
        real = Batcher(version, plan, threads, QueueLimits(100, 60))
        asyncio.run(scene())
    real.close()


async def _forget(used: Batcher) -> None:
    await ask(used, 1)


async def submit(batcher: Batcher, rows: int, length: int) -> np.ndarray:
    inputs = {"x": np.ones((rows, length), "float32")}
    return (await batcher.submit(inputs, time.monotonic() + LONG_S)).outputs["y"]
