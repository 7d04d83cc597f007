"""What is counted, and when it reaches the shared metrics."""

import asyncio

import numpy as np
import pytest

from service.base.metrics import MAX_CLASSES, REGISTRY
from service.repository.decisions import Decided
from service.web import counted as counting
from service.web import gathered
from service.web.counted import HttpMetrics, Pending, Stopwatch, VersionMetrics
from tests.runtime.held import turns
from tests.web.client import counted
from tests.web.desk import Clock

STAGES = "kerasd_predict_duration_seconds_sum"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(counting, "time", clock)
    return clock


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is flushed by time."""
    monkeypatch.setattr(counting, "FLUSH_S", 1000.0)


class TestStopwatch:
    def test_laps_add_up_to_the_total(self, clock: Clock) -> None:
        watch = Stopwatch()
        laps = []
        for seconds in (1.0, 2.0, 4.0):
            clock.now += seconds
            laps.append(watch.lap())
        clock.now += 8
        assert laps == [1, 2, 4]
        assert watch.total == 7


class TestPending:
    def test_what_one_loop_gathers_is_added_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scene() -> None:
            for number in range(3):
                pending.add(number)
            assert added == []
            await turns(5)

        monkeypatch.setattr(counting, "FLUSH_S", 0.0)
        added: list[list[int]] = []
        pending = Pending(added.append)
        asyncio.run(scene())
        assert added == [[0, 1, 2]]

    @pytest.mark.usefixtures("late")
    def test_a_flush_takes_what_waits_and_nothing_twice(self) -> None:
        async def scene() -> None:
            pending.add(1)
            pending.flush()
            pending.flush()
            pending.add(2)

        added: list[list[int]] = []
        pending = Pending(added.append)
        asyncio.run(scene())
        assert added == [[1]]
        pending.flush()
        assert added == [[1], [2]]

    def test_without_a_loop_it_is_added_now(self) -> None:
        added: list[list[int]] = []
        pending = Pending(added.append)
        pending.add(1)
        pending.add(2)
        assert added == [[1], [2]]

    @pytest.mark.usefixtures("late")
    def test_what_a_thread_adds_goes_with_what_the_loop_gathers(self) -> None:
        async def scene() -> None:
            pending.add(1)
            await asyncio.to_thread(pending.add, 2)
            assert added == []

        added: list[list[int]] = []
        pending = Pending(added.append)
        asyncio.run(scene())
        pending.flush()
        assert added == [[1, 2]]


def test_requests_are_counted_by_method_route_and_status() -> None:
    metrics = HttpMetrics()
    for status in (200, 200, 429):
        metrics.observe(("POST", "/tested", status), 0.5)
    names = {"http_request_method": "POST", "http_route": "/tested"}
    for answered, count in (("200", 2), ("429", 1)):
        labels = {**names, "http_response_status_code": answered}
        assert counted("http_server_request_duration_seconds_count", **labels) == count
        assert counted("http_server_request_duration_seconds_sum", **labels) == count / 2


class TestVersionMetrics:
    def test_an_answer_is_counted_with_its_stages_rows_and_classes(self, clock: Clock) -> None:
        names = {"model": "answering", "version": "7"}
        watch = Stopwatch()
        for stage, seconds in (("queue", 1.0), ("decode", 2.0), ("infer", 4.0), ("encode", 8.0)):
            clock.now += seconds
            setattr(watch, stage, watch.lap())
        classes = np.array([1, 1, 0, 2, MAX_CLASSES])
        VersionMetrics("answering", 7, ("no", "yes")).count_ok(
            5, Decided(classes, classes * 1.0), watch
        )
        assert counted("kerasd_predict_requests_total", **names, outcome="ok") == 1
        assert counted("kerasd_predict_batch_rows_sum", **names) == 5
        assert counted("kerasd_predict_last_timestamp_seconds", **names) == clock.now
        sums = [counted(STAGES, **names, stage=stage) for stage in gathered.STAGES]
        assert sums == [1, 2, 4, 8, 15]
        for name, times in (("yes", 2), ("no", 1), ("2", 1), ("_other", 1)):
            labels = {**names, "class": name}
            assert counted("kerasd_predictions_total", **labels) == times

    def test_probabilities_are_counted_and_logits_are_not(self) -> None:
        classes = np.zeros(6, np.int64)
        scores = np.array([0.1, 0.55, 0.96, 1.0, 7.5, np.nan], np.float32)
        metrics = VersionMetrics("sure", 7, ())
        metrics.count_ok(6, Decided(classes, scores), Stopwatch())
        names = {"model": "sure", "version": "7"}
        buckets = [
            counted("kerasd_prediction_probability_bucket", **names, le=le)
            for le in ("0.1", "0.5", "0.6", "0.95", "0.99", "+Inf")
        ]
        assert counted("kerasd_prediction_probability_count", **names) == 4
        assert buckets == [0, 1, 2, 2, 3, 4]
        assert counted("kerasd_prediction_probability_sum", **names) == pytest.approx(2.61)

    def test_a_version_that_answers_numbers_only_has_no_probabilities(self) -> None:
        metrics = VersionMetrics("logits", 7, ())
        metrics.count_ok(1, Decided(np.array([1]), np.array([3.5])), Stopwatch())
        names = {"model": "logits", "version": "7"}
        assert REGISTRY.get_sample_value("kerasd_prediction_probability_count", names) is None

    @pytest.mark.parametrize(("rows", "label"), [(1, "1"), (32, "32"), (33, "64"), (1000, "1024")])
    def test_runs_are_counted_by_their_size(self, rows: int, label: str) -> None:
        model = f"running-{rows}"
        VersionMetrics(model, 7, ()).count_run(rows, 2, 1.0, 2.0, 4.0)
        names = {"model": model, "version": "7", "rows": label}
        assert counted("kerasd_predict_executions_total", **names) == 1
        for stage, seconds in (("gather", 1), ("run", 2), ("split", 4)):
            name = "kerasd_predict_execution_seconds_total"
            assert counted(name, **names, stage=stage) == seconds

    def test_those_who_wait_are_counted_while_they_do(self) -> None:
        metrics = VersionMetrics("waiting", 7, ())
        with metrics.waiting(), metrics.waiting():
            assert counted("kerasd_predict_queue_requests", model="waiting") == 2
        assert counted("kerasd_predict_queue_requests", model="waiting") == 0

    @pytest.mark.usefixtures("late")
    def test_a_flush_at_the_end_keeps_what_is_pending(self) -> None:
        async def scene() -> None:
            metrics.count_ok(1, None, Stopwatch())
            metrics.count_run(1, 1, 0.0, 0.0, 0.0)
            metrics.count_failed("invalid")

        metrics = VersionMetrics("flushed", 7, ())
        names = {"model": "flushed", "version": "7"}
        asyncio.run(scene())
        counts = [("kerasd_predict_requests_total", {"outcome": "ok"}),
                  ("kerasd_predict_executions_total", {"rows": "1"})]  # fmt: skip
        assert counted("kerasd_predict_requests_total", **names, outcome="invalid") == 1
        assert [counted(name, **names, **more) for name, more in counts] == [0, 0]
        metrics.flush()
        assert [counted(name, **names, **more) for name, more in counts] == [1, 1]
