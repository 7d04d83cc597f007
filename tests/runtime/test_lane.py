"""A lane: what is gathered when, and what becomes of the late, the gone and the faulty."""

import asyncio
import threading
import time
from dataclasses import replace

import pytest

from service.base.errors import DeadlineExceeded, Overloaded, RuntimeLost, TensorInvalid
from service.runtime.plan import Plan
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

BOTH = pytest.mark.parametrize("plan", [ON_LOOP, IN_THREAD], ids=["loop", "thread"])


class TestGathering:
    @BOTH
    def test_requests_of_one_turn_go_together(self, plan: Plan) -> None:
        async def scene() -> None:
            assert await ask_all(gathering, [1, 2], [3]) == [[2, 4], [6]]
            assert version.runs == [3]

        version = RecordedVersion()
        with batcher(version, plan) as gathering:
            asyncio.run(scene())

    @BOTH
    def test_no_more_rows_than_may_be(self, plan: Plan) -> None:
        async def scene() -> None:
            answers = await asyncio.gather(*(ask(gathering, n, n) for n in range(7)))
            assert answers == [[2 * n, 2 * n] for n in range(7)]
            assert version.runs == [8, 6]

        version = RecordedVersion()
        with batcher(version, plan) as gathering:
            asyncio.run(scene())

    @pytest.mark.parametrize("limit", [1, 100])
    def test_what_comes_in_one_turn_of_the_loop_runs_there_and_is_not_refused(
        self, limit: int
    ) -> None:
        async def scene() -> None:
            answers = await asyncio.gather(*(ask(gathering, n) for n in range(400)))
            assert answers == [[2 * n] for n in range(400)]
            assert sum(version.runs) == 400
            assert len(version.runs) == 400 // min(limit, 8)

        version = RecordedVersion()
        with batcher(version, ON_LOOP, max_queue=limit) as gathering:
            asyncio.run(scene())

    @BOTH
    def test_without_batching_each_runs_alone(self, plan: Plan) -> None:
        async def scene() -> None:
            assert await ask_all(single, [1], [2]) == [[2], [4]]
            assert version.runs == [1, 1]

        version = RecordedVersion()
        with batcher(version, replace(plan, is_batched=False, max_batch_size=1)) as single:
            asyncio.run(scene())

    def test_what_arrives_during_a_run_waits_for_its_end_and_goes_together(self) -> None:
        async def scene() -> None:
            first = asyncio.create_task(ask(gathering, 1))
            await version.has_begun()
            others = []
            for number in (2, 3, 4):  # each in a turn of its own
                others.append(asyncio.create_task(ask(gathering, number)))
                await turns()
            version.release(2)
            assert await asyncio.gather(first, *others) == [[2], [4], [6], [8]]
            assert version.runs == [1, 3]

        version = HeldVersion()
        with batcher(version, IN_THREAD) as gathering:
            asyncio.run(scene())

    def test_several_runs_at_once_where_the_plan_says_so(self) -> None:
        async def scene() -> None:
            first = asyncio.create_task(ask(gathering, 1))
            await version.has_begun()
            second = asyncio.create_task(ask(gathering, 2))
            await version.has_begun()
            version.release(2)
            assert (await first, await second) == ([2], [4])

        version = HeldVersion()
        with batcher(version, replace(IN_THREAD, parallel=2)) as gathering:
            asyncio.run(scene())

    @BOTH
    def test_a_wait_gathers_over_turns_and_ends_when_the_batch_is_full(self, plan: Plan) -> None:
        async def scene() -> None:
            tasks = []
            for number in range(8):
                tasks.append(asyncio.create_task(ask(gathering, number)))
                await turns()
            await asyncio.gather(*tasks)
            assert version.runs == [8]

        version = RecordedVersion()
        with batcher(version, replace(plan, max_wait_s=LONG_S)) as gathering:
            asyncio.run(scene())

    @BOTH
    def test_a_wait_ends_by_itself(self, plan: Plan) -> None:
        async def scene() -> None:
            started = time.monotonic()
            assert await ask(gathering, 1) == [2]
            assert time.monotonic() - started >= 0.02

        with batcher(RecordedVersion(), replace(plan, max_wait_s=0.02)) as gathering:
            asyncio.run(scene())


class TestLateAndGone:
    @BOTH
    def test_nothing_is_computed_for_them(self, plan: Plan) -> None:
        async def scene() -> None:
            with pytest.raises(DeadlineExceeded):
                await ask(gathering, 1, within_s=0)
            with pytest.raises(asyncio.CancelledError):
                await gathering.submit(rows(1), time.monotonic() + LONG_S, lambda: True)
            cancelled = asyncio.create_task(ask(gathering, 3))
            await asyncio.sleep(0)
            cancelled.cancel()
            assert await ask(gathering, 4, 4) == [8, 8]
            assert version.runs == [2]

        version = RecordedVersion()
        with batcher(version, plan) as gathering:
            asyncio.run(scene())

    def test_they_are_told_in_time_though_a_run_lasts_longer(self) -> None:
        async def scene() -> None:
            patient = asyncio.create_task(ask(gathering, 1))
            running = asyncio.create_task(ask(gathering, 2, within_s=0.05))
            await version.has_begun()
            waiting = asyncio.create_task(ask(gathering, 3, within_s=0.06))
            for late in (running, waiting):
                with pytest.raises(DeadlineExceeded, match=r"within 0\.0[56] seconds"):
                    await late
            version.release()
            assert await patient == [2]
            assert version.runs == [2]

        version = HeldVersion()
        with batcher(version, IN_THREAD) as gathering:
            asyncio.run(scene())

    def test_a_run_may_last_as_long_as_its_most_patient_request(self) -> None:
        async def scene() -> None:
            now = time.monotonic()
            await asyncio.gather(
                *(gathering.submit(rows(1), now + seconds) for seconds in (5, 9, 7))
            )
            assert version.deadlines == [now + 9]

        version = RecordedVersion()
        with batcher(version, IN_THREAD) as gathering:
            asyncio.run(scene())

    def test_too_many_are_refused_at_once(self) -> None:
        async def scene() -> None:
            running = asyncio.create_task(ask(gathering, 0))
            await version.has_begun()
            waiting = [asyncio.create_task(ask(gathering, number)) for number in (1, 2)]
            await turns()
            with pytest.raises(Overloaded, match=r"waiting for digits \(2\)"):
                await ask(gathering, 3)
            version.release(2)
            assert await asyncio.gather(running, *waiting) == [[0], [2], [4]]
            assert version.runs == [1, 2]

        version = HeldVersion()
        with batcher(version, IN_THREAD, max_queue=2) as gathering:
            asyncio.run(scene())

    def test_nothing_is_computed_for_those_that_left_before_a_thread_was_free(self) -> None:
        async def scene() -> None:
            taken = [asyncio.create_task(ask(gathering, number)) for number in (1, 2)]
            for _ in taken:
                await version.has_begun()
            gone = threading.Event()
            left = gathering.submit(rows(3), time.monotonic() + LONG_S, gone.is_set)
            await turns()  # a run of its own, for which there is no thread
            gone.set()
            version.release(3)
            with pytest.raises(asyncio.CancelledError):
                await left
            assert await asyncio.gather(*taken) == [[2], [4]]
            assert version.runs == [1, 1]

        version = HeldVersion()
        with batcher(version, replace(IN_THREAD, is_batched=False, parallel=3)) as gathering:
            asyncio.run(scene())

    def test_those_beside_them_are_answered(self) -> None:
        async def scene() -> None:
            taken = []
            for number in (1, 2):
                taken.append(asyncio.create_task(ask(gathering, number)))
                await version.has_begun()
            gone = threading.Event()
            left = gathering.submit(rows(3), time.monotonic() + LONG_S, gone.is_set)
            stays = gathering.submit(rows(4), time.monotonic() + LONG_S)
            await turns()
            gone.set()
            version.release(3)
            assert (await stays).outputs["y"][:, 0].tolist() == [8]
            await asyncio.gather(left, *taken)
            assert sorted(version.runs) == [1, 1, 2]

        version = HeldVersion()
        with batcher(version, replace(IN_THREAD, parallel=3)) as gathering:
            asyncio.run(scene())


class TestFaults:
    @BOTH
    def test_a_bad_request_does_not_fail_its_neighbours(self, plan: Plan) -> None:
        async def scene() -> None:
            asked = (ask(gathering, 1), ask(gathering, -2), ask(gathering, 3, 4))
            good, bad, other = await asyncio.gather(*asked, return_exceptions=True)
            assert (good, other) == ([2], [6, 8])
            assert isinstance(bad, TensorInvalid)
            assert version.runs == [4, 1, 1, 2]
            assert await ask_all(gathering, [1], [2]) == [[2], [4]]
            assert version.runs[4:] == [2]

        version = RecordedVersion()
        with batcher(version, plan) as gathering:
            asyncio.run(scene())

    @BOTH
    @pytest.mark.parametrize("error", [RuntimeLost("it died"), DeadlineExceeded(60)])
    def test_what_is_no_request_s_fault_is_not_tried_again(
        self, plan: Plan, error: Exception
    ) -> None:
        async def scene() -> list[object]:
            asked = (ask(gathering, 1), ask(gathering, 2))
            return list(await asyncio.gather(*asked, return_exceptions=True))

        with batcher(FakeVersion(error=error), plan) as gathering:
            answers = asyncio.run(scene())
        assert [type(answer) for answer in answers] == [type(error)] * 2

    @BOTH
    def test_outputs_that_cannot_be_split_end_gathering(self, plan: Plan) -> None:
        async def scene() -> None:
            assert gathering.is_batched
            assert await ask_all(gathering, [1, 2], [3]) == [[6], [6]]
            assert not gathering.is_batched
            await ask_all(gathering, [1], [2])
            assert version.runs == [3, 2, 1, 1, 1]

        version = RecordedVersion(sums=True)
        with batcher(version, plan) as gathering:
            asyncio.run(scene())

    def test_threads_that_are_gone_are_an_error_not_a_silence(self) -> None:
        async def scene() -> None:
            with pytest.raises(RuntimeError, match="shutdown"):
                await ask(gathering, 1)

        with batcher(RecordedVersion(), IN_THREAD) as gathering:
            pass
        asyncio.run(scene())
