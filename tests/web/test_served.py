"""A served version: where its work takes place, who waits for it, and how that is counted."""

import asyncio
import threading

import numpy as np
import orjson
import pytest

from service.base.errors import (
    AnswerInvalid,
    AnswerNotFinite,
    DeadlineExceeded,
    JsonInvalid,
    MemoryShort,
    ModelNotReady,
    Overloaded,
    RequestInvalid,
    RuntimeLost,
    Unsupported,
)
from service.base.http_errors import BodyTooLarge
from service.base.signature import STRING, Signature, Tensors, TensorSpec
from service.repository.decisions import Chosen, Decided
from service.runtime.backlog import QueueLimits
from service.web import counted as counting
from service.web import served as serving
from service.web.exchange import SMALL_BODY_BYTES, Asked, Call, Facts, Reply
from service.web.served import QUICK_OUTPUT_BYTES, outcome_of
from service.web.v1.predict import Predict
from service.web.v2.infer import SMALL_RAW_BYTES, Infer
from tests.fakes import FakeVersion
from tests.runtime.held import LONG_S, HeldVersion, turns
from tests.web.client import counted
from tests.web.desk import LARGE, SMALL, Clock, Clocked, desk, outcomes
from tests.web.v2.asking import call, echoing, facts

STAGES = "kerasd_predict_duration_seconds_sum"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(counting, "time", clock)
    monkeypatch.setattr(serving, "time", clock)
    return clock


class TestClientsThatHaveLeft:
    @pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
    def test_nothing_is_computed_once_a_thread_is_free(self, body: bytes) -> None:
        async def scene() -> None:
            first = at.start(body)
            await version.has_begun()
            left = at.start(body, is_left=True)
            await turns(5)
            version.release(2)
            with pytest.raises(asyncio.CancelledError):
                await left
            await first

        version, name = HeldVersion(), f"left-{len(body)}"
        with desk(version, name, is_on_loop=False) as at:
            asyncio.run(scene())
        assert version.runs == [1]
        assert outcomes(name) == {"ok": 1}
        assert counted("kerasd_predict_queue_requests", model=name) == 0

    def test_a_large_body_whose_deadline_has_passed_is_not_computed_either(
        self, clock: Clock
    ) -> None:
        async def scene() -> None:
            first = at.start(LARGE)
            await version.has_begun()
            late = asyncio.create_task(at.ask(LARGE, deadline=clock.now + 1))
            await turns()
            version.release(2)
            with pytest.raises(DeadlineExceeded):
                await late
            await first

        version = Clocked(clock)
        with desk(version, "belated") as at:
            asyncio.run(scene())
        assert version.runs == [1]
        assert outcomes("belated") == {"ok": 1, "timeout": 1}


class TestQueue:
    def test_the_stages_of_a_large_body_begin_before_its_queue(self, clock: Clock) -> None:
        async def scene() -> None:
            first = at.start(LARGE)
            await version.has_begun()
            second = at.start(LARGE)
            await turns()
            clock.now += 5
            version.release(2)
            await asyncio.gather(first, second)

        version = Clocked(clock)
        with desk(version, "staged") as at:
            asyncio.run(scene())
        sums = {
            stage: counted(STAGES, model="staged", version="2", stage=stage)
            for stage in ("queue", "infer", "total")
        }
        assert sums == {"queue": 0 + 7, "infer": 7 + 2, "total": 7 + 9}

    def test_what_runs_does_not_count_as_waiting(self, clock: Clock) -> None:
        async def scene() -> None:
            version.release()
            await at.ask(LARGE)  # now it is known that one takes two seconds
            await version.has_begun()
            taken = [at.start(LARGE) for _ in range(4)]  # two run, and as many wait
            await turns()
            with pytest.raises(Overloaded, match=r"waiting for model 'busy' \(4\)"):
                await at.ask(LARGE)
            version.release(4)
            await asyncio.gather(*taken)

        version = Clocked(clock)
        with desk(version, "busy", 2, QueueLimits(100, 1.0)) as at:
            asyncio.run(scene())
        assert len(version.runs) == 5
        assert outcomes("busy") == {"ok": 5, "rejected": 1}

    def test_no_more_wait_than_may(self) -> None:
        async def scene() -> None:
            taken = [at.start(LARGE) for _ in range(3)]  # one runs, two wait
            await turns()
            with pytest.raises(Overloaded):
                await at.ask(LARGE)
            version.release(3)
            await asyncio.gather(*taken)

        version = HeldVersion()
        with desk(version, "full", 1, QueueLimits(2, LONG_S)) as at:
            asyncio.run(scene())
        assert outcomes("full") == {"ok": 3, "rejected": 1}

    def test_bodies_that_turn_out_wrong_have_kept_a_thread_too(self, clock: Clock) -> None:
        async def scene() -> None:
            let_go.release()
            with pytest.raises(RequestInvalid):
                await at.ask(LARGE)
            refused = [at.start(LARGE) for _ in range(2)]  # one runs, one waits
            await turns()
            with pytest.raises(Overloaded):
                await at.ask(LARGE)
            let_go.release(2)
            await asyncio.gather(*refused, return_exceptions=True)

        class Slow(Predict):
            def decode(self, call: Call, facts: Facts) -> Asked:
                assert let_go.acquire(timeout=LONG_S)
                clock.now += 3
                raise RequestInvalid("found at the very end")

        let_go = threading.Semaphore(0)
        with desk(FakeVersion(), "wrong", 1, QueueLimits(100, 1.0), Slow()) as at:
            asyncio.run(scene())
        assert outcomes("wrong") == {"invalid": 3, "rejected": 1}


class Noting(Predict):
    """Notes which thread encodes."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: list[threading.Thread] = []

    def encode(
        self,
        asked: Asked,
        facts: Facts,
        outputs: Tensors,
        decided: Decided | Chosen | None,
        prediction_id: str = "",
    ) -> Reply:
        self.threads.append(threading.current_thread())
        return super().encode(asked, facts, outputs, decided, prediction_id)


@pytest.mark.parametrize("more", [0, 1])
def test_long_outputs_are_encoded_in_a_thread_and_short_ones_on_the_loop(more: int) -> None:
    class Growing(FakeVersion):
        def run(self, inputs: Tensors, deadline: float | None = None) -> Tensors:
            return {"y": np.zeros((1, width), "float32")}

    width = QUICK_OUTPUT_BYTES // 4 + more
    signature = Signature(
        (TensorSpec("x", "float32", (None, 3)),), (TensorSpec("y", "float32", (None, width)),)
    )
    noting = Noting()
    with desk(Growing(signature), "growing", translator=noting) as at:
        reply = asyncio.run(at.ask(SMALL))
    assert len(orjson.loads(reply.content)["predictions"][0]) == width
    assert [thread is threading.main_thread() for thread in noting.threads] == [not more]


class TestOutcomes:
    @pytest.mark.parametrize(
        ("error", "outcome"),
        [(RequestInvalid(""), "invalid"), (JsonInvalid(""), "invalid"),
         (BodyTooLarge(1), "invalid"), (Unsupported(""), "invalid"),
         (DeadlineExceeded(1), "timeout"), (Overloaded("", 1), "rejected"),
         (RuntimeLost(""), "error"), (MemoryShort(), "error"), (ModelNotReady("m", ""), "error"),
         (AnswerInvalid("y", ""), "error"), (AnswerNotFinite("y", 0), "invalid"),
         (RuntimeError(), "error"), (MemoryError(), "error")],
        ids=lambda value: value if isinstance(value, str) else type(value).__name__,
    )  # fmt: skip
    def test_each_error_has_its_own(self, error: Exception, outcome: str) -> None:
        assert outcome_of(error) == outcome

    @pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
    @pytest.mark.parametrize(
        ("error", "outcome"),
        [(RuntimeLost("it died"), "error"), (DeadlineExceeded(1), "timeout"),
         (MemoryShort(), "error"), (RuntimeError("x"), "error")],
    )  # fmt: skip
    def test_a_request_that_fails_is_counted_once(
        self, body: bytes, error: Exception, outcome: str
    ) -> None:
        name = f"failing-{type(error).__name__}-{len(body)}"
        # In a thread: on the loop a run that is ended for its time is moved there anyway.
        with (
            desk(FakeVersion(error=error), name, is_on_loop=False) as at,
            pytest.raises(type(error)),
        ):
            asyncio.run(at.ask(body))
        assert outcomes(name) == {outcome: 1}


@pytest.mark.parametrize(
    ("dtype", "size", "header", "is_small"),
    [
        ("float32", SMALL_BODY_BYTES, None, True),
        ("float32", SMALL_BODY_BYTES + 1, None, False),
        ("float32", SMALL_BODY_BYTES + 1, 100, True),
        ("float32", SMALL_RAW_BYTES, 0, True),
        ("float32", SMALL_RAW_BYTES + 1, 100, False),
        ("float32", SMALL_RAW_BYTES, SMALL_BODY_BYTES + 1, False),
        ("float32", SMALL_RAW_BYTES, "many", False),
        (STRING, SMALL_BODY_BYTES, 100, True),
        (STRING, SMALL_BODY_BYTES + 1, 100, False),
        (STRING, SMALL_BODY_BYTES + 1, 0, False),
    ],
)
def test_a_body_of_version_2_is_small_if_it_is_read_in_no_time(
    dtype: str, size: int, header: int | str | None, is_small: bool
) -> None:
    asked = call(bytes(size), header)
    assert Infer().is_small(asked, facts(echoing(dtype))) is is_small
