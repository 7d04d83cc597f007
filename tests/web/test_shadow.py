"""The shadow's queue and its one thread: what is kept, what is dropped, what becomes of it."""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from service.base.errors import RuntimeLost
from service.base.metrics import REGISTRY
from service.base.signature import Signature, Tensors, TensorSpec
from service.runtime.pool import Pool
from service.runtime.version import LoadedVersion
from service.web.agreement import Given
from service.web.process import WebProcess
from service.web.shadow import MAX_BYTES, MAX_COPIES, Shadow
from tests.fakes import FakeVersion
from tests.runtime.held import HeldVersion
from tests.web.client import counted
from tests.web.side_by_side import times, worker

REQUESTS = "kerasd_shadow_requests_total"
ROWS = "kerasd_shadow_rows_total"
ONE, TRIPLE = np.ones((1, 2), "float32"), np.ones((1, 3), "float32")
THREE = Signature(
    (TensorSpec("x", "float32", (None, 3)),), (TensorSpec("y", "float32", (None, 3)),)
)


@pytest.fixture
def model(request: pytest.FixtureRequest) -> str:
    """A name of its own for each test: counters are shared."""
    return f"shadow-{request.node.name}"


@pytest.fixture
def process(tmp_path: Path, model: str) -> Iterator[WebProcess]:
    with worker(tmp_path, model, {1: times(tmp_path, 1.0), 2: times(tmp_path, 1.0)}) as process:
        yield process


def offer(shadow: Shadow, model: str, inputs: np.ndarray = ONE, version: int = 2) -> None:
    shadow.offer((model, version), {"x": inputs}, Given({"y": inputs}))


def outcomes(model: str, version: int = 2) -> dict[str, float]:
    found = {
        outcome: counted(REQUESTS, model=model, version=str(version), outcome=outcome)
        for outcome in ("compared", "dropped", "failed", "incompatible")
    }
    return {outcome: count for outcome, count in found.items() if count}


class TestQueue:
    def test_as_many_copies_as_may_wait(self, process: WebProcess, model: str) -> None:
        for _ in range(MAX_COPIES + 3):
            offer(process.shadow, model)
        assert outcomes(model) == {"dropped": 3}
        assert process.shadow.step()
        offer(process.shadow, model)
        assert outcomes(model) == {"dropped": 3, "compared": 1}
        steps = 0
        while process.shadow.step():
            steps += 1
        assert steps == MAX_COPIES

    def test_as_many_bytes_as_may_wait(self, process: WebProcess, model: str) -> None:
        rows = MAX_BYTES // (2 * ONE.nbytes)  # in and out
        offer(process.shadow, model, np.ones((rows + 1, 2), "float32"))
        assert outcomes(model) == {"dropped": 1}
        offer(process.shadow, model, np.ones((rows - 1, 2), "float32"))
        offer(process.shadow, model)
        offer(process.shadow, model)
        assert outcomes(model) == {"dropped": 2}
        assert process.shadow.step()
        offer(process.shadow, model)
        assert outcomes(model) == {"dropped": 2, "compared": 1}

    def test_texts_weigh_what_they_hold(self, process: WebProcess, model: str) -> None:
        long = np.array([["x" * (MAX_BYTES + 1)]], object)
        process.shadow.offer((model, 2), {"x": ONE}, Given({"y": long}))
        assert outcomes(model) == {"dropped": 1}

    def test_parts_of_a_batch_are_copied_and_whole_arrays_are_not(self) -> None:
        class Noting(Shadow):
            def kept(self) -> Tensors:
                copy = self._queue.get_nowait()
                assert copy is not None
                return {**copy.inputs, **copy.given.outputs}

        shadow = Noting(Pool(), 1.0)
        body = np.arange(8, dtype="float32").tobytes()
        batch = np.arange(64, dtype="float32").reshape(32, 2)
        for inputs, is_kept in (
            (batch.reshape(16, 4), True),
            (batch[3:4], False),
            (np.frombuffer(body, "float32").reshape(4, 2), True),
            (np.frombuffer(body * 3, "float32", 4), False),
        ):
            shadow.offer(("m", 2), {"x": inputs}, Given({"y": batch[:1]}))
            kept = shadow.kept()
            assert np.shares_memory(kept["x"], inputs) is is_kept
            assert not np.shares_memory(kept["y"], batch)
            np.testing.assert_array_equal(kept["x"], inputs)


class TestOutcomes:
    def test_a_version_of_another_shape_is_incompatible(self, tmp_path: Path, model: str) -> None:
        versions: dict[int, LoadedVersion] = {1: times(tmp_path, 1.0), 2: FakeVersion(THREE)}
        with worker(tmp_path, model, versions) as process:
            offer(process.shadow, model)
            process.shadow.step()
        assert outcomes(model) == {"incompatible": 1}
        assert counted("kerasd_shadow_duration_seconds_count", model=model, version="2") == 0

    def test_other_outputs_are_incompatible(self, process: WebProcess, model: str) -> None:
        process.shadow.offer((model, 2), {"x": ONE}, Given({"z": ONE}))
        process.shadow.step()
        assert outcomes(model) == {"incompatible": 1}

    def test_one_that_fails_is_counted_and_told_once(
        self, tmp_path: Path, model: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.WARNING)
        failing = FakeVersion(THREE, error=RuntimeLost("it died"))
        with worker(tmp_path, model, {1: times(tmp_path, 1.0), 2: failing}) as process:
            for version in (2, 2, 9):
                offer(process.shadow, model, TRIPLE, version)
                process.shadow.step()
        assert outcomes(model) == {"failed": 2}
        assert outcomes(model, 9) == {"failed": 1}
        told = [record for record in caplog.records if record.message == "shadow failed"]
        assert [record.__dict__["version"] for record in told] == [2, 9]
        assert "it died" in told[0].__dict__["reason"]
        assert all(record.exc_info is None for record in told)

    def test_an_answer_that_would_be_refused_is_a_failure(
        self, process: WebProcess, model: str
    ) -> None:
        offer(process.shadow, model, np.array([[1.0, np.inf]], "float32"))
        process.shadow.step()
        assert outcomes(model) == {"failed": 1}

    def test_rows_and_differences(self, tmp_path: Path, model: str) -> None:
        versions = {1: times(tmp_path, 1.0), 2: times(tmp_path, 1.5)}
        with worker(tmp_path, model, versions) as process:
            offer(process.shadow, model, np.array([[0, 0], [2, 1], [0, 0]], "float32"))
            process.shadow.step()
        for agrees, rows in (("true", 2), ("false", 1)):
            assert counted(ROWS, model=model, version="2", agrees=agrees) == rows
        assert counted("kerasd_shadow_difference_sum", model=model, version="2") == 1.0


class TestThread:
    def test_the_version_is_not_closed_before_its_run_has_ended(
        self, tmp_path: Path, model: str
    ) -> None:
        held = HeldVersion()
        versions: dict[int, LoadedVersion] = {1: times(tmp_path, 1.0), 2: held}
        with worker(tmp_path, model, versions) as process:
            process.shadow.start()
            given = Given({"y": TRIPLE}, np.array([0]))
            process.shadow.offer((model, 2), {"x": TRIPLE}, given)
            asyncio.run(held.has_begun())
            process.pool.remove(model, 2)
            assert not held.is_closed
            held.release()
        assert held.is_closed
        assert outcomes(model) == {"compared": 1}

    def test_whoever_offers_never_waits_for_it(self, tmp_path: Path, model: str) -> None:
        held = HeldVersion()
        versions: dict[int, LoadedVersion] = {1: times(tmp_path, 1.0), 2: held}
        with worker(tmp_path, model, versions) as process:
            process.shadow.start()
            for _ in range(MAX_COPIES * 3):
                offer(process.shadow, model, TRIPLE)
            assert outcomes(model) == {"dropped": MAX_COPIES * 2}
            held.release(MAX_COPIES)


def test_without_copies_there_are_no_series(process: WebProcess, model: str) -> None:
    assert not process.shadow.step()
    names = [m.name for m in REGISTRY.collect() for s in m.samples if model in s.labels.values()]
    assert not any("shadow" in name for name in names)
