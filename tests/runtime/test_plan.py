"""The plan follows from what was measured and wished; here are the cases that decide."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.repository.model_config import Batching
from service.runtime.measurement import Measured, Rows
from service.runtime.plan import LOOP_RUN_S, choose_plan, estimate

AUTO = Batching()
APART = Measured({}, Rows.INDEPENDENT, rows_doubt="")
TINY = replace(APART, times={1: 3e-6, 2: 3e-6, 8: 5e-6, 32: 15e-6})
LSTM = replace(APART, times={1: 400e-6, 2: 420e-6, 8: 600e-6, 32: 1500e-6})
IMAGE = replace(APART, times={1: 4e-3, 2: 7e-3, 8: 20e-3, 32: 80e-3})
DENSE = replace(APART, times={1: 4e-3, 2: 8e-3, 8: 32e-3, 32: 128e-3})
TENSORFLOW = Measured({1: 1e-3, 8: 1.2e-3}, Rows.INDEPENDENT, "tensorflow")


@pytest.mark.parametrize(
    ("measured", "place", "is_batched"),
    [
        (TINY, "loop", False),
        (LSTM, "loop", True),
        (IMAGE, "thread", True),
        (DENSE, "thread", False),
        (TENSORFLOW, "thread", False),
    ],
)
def test_where_and_whether(measured: Measured, place: str, is_batched: bool) -> None:
    plan = choose_plan(measured, AUTO)
    assert (plan.place, plan.is_batched) == (place, is_batched), plan.why


def test_batches_on_the_loop_are_no_longer_than_it_may_be_held() -> None:
    plan = choose_plan(LSTM, AUTO)
    assert 8 <= plan.max_batch_size == plan.loop_rows < 32
    assert estimate(LSTM.times, plan.loop_rows) <= LOOP_RUN_S


def test_a_single_request_of_many_rows_may_stay_while_it_is_short() -> None:
    plan = choose_plan(TINY, AUTO)
    assert plan.max_batch_size == 1
    assert 1000 < plan.loop_rows < 10_000


@pytest.mark.parametrize("rows", [Rows.INTERACTING, Rows.FIXED])
def test_rows_that_must_not_meet_are_not_batched_whatever_is_wished(rows: Rows) -> None:
    for mode in ("auto", "on"):
        plan = choose_plan(replace(LSTM, rows=rows), Batching(mode=mode))
        assert not plan.is_batched
        assert plan.max_batch_size == 1
        assert "not batched" in plan.why


def test_what_could_not_be_tried_is_batched_only_if_it_is_wished() -> None:
    untried = replace(LSTM, rows=Rows.UNTRIED)
    assert not choose_plan(untried, AUTO).is_batched
    assert choose_plan(untried, Batching(mode="on")).is_batched


def test_what_is_not_proved_is_batched_only_if_it_is_wished() -> None:
    doubtful = replace(LSTM, rows_doubt="ReduceMean 'mean' runs over the rows")
    plan = choose_plan(doubtful, AUTO)
    assert (plan.is_batched, plan.max_batch_size) == (False, 1)
    assert plan.why.endswith(
        "not batched: rows may depend on one another: ReduceMean 'mean' runs over the rows"
    )
    assert choose_plan(doubtful, Batching(mode="on")).is_batched
    found = replace(doubtful, rows=Rows.INTERACTING)
    assert not choose_plan(found, Batching(mode="on")).is_batched
    assert choose_plan(Measured(LSTM.times, Rows.INDEPENDENT), AUTO).is_batched is False


def test_the_operator_has_the_last_word() -> None:
    on = choose_plan(TINY, Batching(mode="on", max_batch_size=16, max_wait_ms=5))
    assert (on.is_batched, on.max_batch_size, on.max_wait_s) == (True, 16, 0.005)
    off = choose_plan(LSTM, Batching(mode="off", max_wait_ms=5))
    assert (off.is_batched, off.max_batch_size, off.max_wait_s) == (False, 1, 0.0)


def test_a_version_that_could_not_be_measured_is_kept_off_the_loop() -> None:
    plan = choose_plan(Measured({}), AUTO)
    assert (plan.place, plan.is_batched) == ("thread", False)
    assert "nothing could be measured" in plan.why


def test_batched_runs_do_not_compete_for_a_core() -> None:
    assert choose_plan(IMAGE, AUTO, 4).parallel == 1
    assert choose_plan(replace(IMAGE, cores=4), AUTO, 3).parallel == 3
    assert choose_plan(replace(IMAGE, cores=4, threads=4), AUTO, 3).parallel == 1
    assert choose_plan(DENSE, AUTO, 4).parallel == 4
    assert choose_plan(TENSORFLOW, AUTO, 4).parallel == 4


def test_it_is_shown_with_its_figures() -> None:
    shown = choose_plan(IMAGE, AUTO).as_json()
    assert shown == {
        "place": "thread",
        "batching": True,
        "max_batch_size": 32,
        "max_wait_ms": 0.0,
        "loop_rows": 0,
        "parallel_runs": 1,
        "threads": 1,
        "measured_ms": {"1": 4.0, "2": 7.0, "8": 20.0, "32": 80.0},
        "why": "in a thread: a run of 1 row takes 4 ms; "
        "batched: a row takes 4 ms alone and 2.5 ms among 8, gathering included",
    }


@pytest.mark.parametrize(
    ("rows", "expected_s"), [(1, 1.0), (2, 2.0), (5, 3.0), (8, 4.0), (20, 8.0)]
)
def test_between_and_beyond_measured_sizes_lies_a_line(rows: int, expected_s: float) -> None:
    assert estimate({1: 1.0, 2: 2.0, 8: 4.0}, rows) == pytest.approx(expected_s)


@given(
    st.fixed_dictionaries({size: st.floats(1e-7, 10) for size in (1, 2, 8, 32)}),
    st.sampled_from(Rows),
    st.sampled_from(["", "a doubt"]),
    st.integers(1, 100),
)
def test_there_is_a_plan_for_every_measurement(
    times: dict[int, float], rows: Rows, doubt: str, max_batch_size: int
) -> None:
    measured = Measured(times, rows, rows_doubt=doubt)
    plan = choose_plan(measured, Batching(max_batch_size=max_batch_size))
    assert plan.place == ("loop" if plan.loop_rows else "thread")
    assert 1 <= plan.max_batch_size <= max_batch_size
    assert plan.is_batched or plan.max_batch_size == 1
    assert not plan.is_batched or (rows is Rows.INDEPENDENT and not doubt)
    assert not plan.loop_rows or plan.max_batch_size <= plan.loop_rows
