"""Measuring: the shortest of several runs, within a budget; rows are tried beside others."""

from collections.abc import Callable

import numpy as np
import pytest

from service.base.errors import TensorInvalid
from service.base.signature import Signature, Tensors, TensorSpec
from service.runtime.measurement import UNKNOWN_S, Measured, Rows, Samples, measure_times, try_rows

SIGNATURE = Signature(
    (TensorSpec("x", "float32", (None, None)), TensorSpec("t", "string", (None, 2))),
    (TensorSpec("y", "float32", (None, 1)),),
)
FIXED = Signature((TensorSpec("x", "float32", (5, 2)),), (TensorSpec("y", "float32", (5, 1)),))
GOLDEN: Tensors = {
    "x": np.arange(8, dtype="float32").reshape(2, 4),
    "t": np.array([["a", "b"], ["c", "d"]], object),
}


def total(inputs: Tensors) -> Tensors:
    return {"y": inputs["x"].sum(axis=1, keepdims=True)}


class Clock:
    """Time passes in runs alone: `row_s` for every row."""

    def __init__(self, row_s: float) -> None:
        self.now = 0.0
        self.sizes: list[int] = []
        self._row_s = row_s

    def __call__(self) -> float:
        return self.now

    def run(self, inputs: Tensors) -> Tensors:
        self.now += self._row_s * len(inputs["x"])
        self.sizes.append(len(inputs["x"]))
        return total(inputs)


class TestTimes:
    def test_every_usual_size_is_run_several_times(self) -> None:
        clock = Clock(0.0001)
        times = measure_times(clock.run, Samples(SIGNATURE, GOLDEN, 4), clock=clock)
        assert times == pytest.approx({1: 0.0001, 2: 0.0002, 8: 0.0008, 32: 0.0032})
        assert clock.sizes == [1] * 8 + [2] * 8 + [8] * 8 + [32] * 8

    def test_a_slow_model_is_not_run_for_longer_than_needed(self) -> None:
        clock = Clock(0.1)
        times = measure_times(clock.run, Samples(SIGNATURE, None, 4), clock=clock)
        assert times == pytest.approx({1: 0.1, 2: 0.2, 8: 0.8})
        assert clock.sizes == [1, 2, 8]

    def test_only_the_fixed_size_is_run(self) -> None:
        clock = Clock(0.1)
        assert list(measure_times(clock.run, Samples(FIXED, None, 4), clock=clock)) == [5]

    def test_a_model_that_takes_no_zeros_has_no_times(self) -> None:
        def refuse(_: Tensors) -> Tensors:
            raise TensorInvalid("inputs", "values", "zeros")

        times = measure_times(refuse, Samples(SIGNATURE, None, 4))
        assert times == {}
        assert Measured(times).row_cost_s == UNKNOWN_S


def test_samples_are_mixed_of_golden_values_in_their_places() -> None:
    batch = Samples(SIGNATURE, GOLDEN, 4).take(32)
    assert batch["x"].shape == (32, 4)
    assert len(np.unique(batch["x"], axis=0)) > 8
    for name, array in batch.items():
        assert array.dtype == GOLDEN[name].dtype
        for column in range(array.shape[1]):
            assert set(array[:, column]) == set(GOLDEN[name][:, column])
    assert Samples(SIGNATURE, GOLDEN, 4).take(1)["x"].tolist() == GOLDEN["x"][:1].tolist()


def centred(inputs: Tensors) -> Tensors:
    return {"y": total(inputs)["y"] - total(inputs)["y"].mean()}


def single(inputs: Tensors) -> Tensors:
    return {"y": total(inputs)["y"].sum(axis=0, keepdims=True)}


def scalar(inputs: Tensors) -> Tensors:
    return {"y": inputs["x"].sum()}


def picky(inputs: Tensors) -> Tensors:
    if len(inputs["x"]) > 1:
        raise TensorInvalid("inputs", "one row", "several")
    return total(inputs)


def beside_larger(inputs: Tensors) -> Tensors:
    """A mean over the rows, hidden by a column a million times as large."""
    x = inputs["x"]
    return {"y": np.concatenate([1e6 * x, x - x.mean(axis=0)], axis=1)}


def beyond_twenty(inputs: Tensors) -> Tensors:
    x = inputs["x"] / np.float32(7)
    return {"y": x - np.maximum(x.mean(axis=0) - 20, 0)}


def below_nothing(inputs: Tensors) -> Tensors:
    x = -inputs["x"]
    return {"y": x - np.maximum(x.mean(axis=0), 0)}


def all_but_zero(inputs: Tensors) -> Tensors:
    x = inputs["x"]
    return {"y": np.exp(0.001 * (x - x.max(axis=0)) - 20)}


def small_ones(inputs: Tensors) -> Tensors:
    """Refuses large values, and has no answer for negative ones."""
    x = inputs["x"]
    if np.abs(x).max() > 60:
        raise TensorInvalid("inputs", "small values", "large ones")
    with np.errstate(invalid="ignore"):
        return {"y": np.sqrt(x)}


class TestRows:
    @pytest.mark.parametrize(
        ("run", "expected"),
        [
            (total, Rows.INDEPENDENT),
            (centred, Rows.INTERACTING),
            (single, Rows.INTERACTING),
            (scalar, Rows.INTERACTING),
            (picky, Rows.UNTRIED),
            (beside_larger, Rows.INTERACTING),
            (beyond_twenty, Rows.INTERACTING),
            (below_nothing, Rows.INTERACTING),
            (all_but_zero, Rows.INTERACTING),
            (small_ones, Rows.INDEPENDENT),
        ],
    )
    def test_they_are_run_together_and_alone(
        self, run: Callable[[Tensors], Tensors], expected: Rows
    ) -> None:
        assert try_rows(run, Samples(SIGNATURE, GOLDEN, 4), {1: 0.1, 8: 0.1}) is expected

    def test_what_rounding_does_is_no_interaction(self) -> None:
        def sensitive(inputs: Tensors) -> Tensors:
            """Sums whose last bit depends on the number of rows, and what comes of that."""
            sums = total(inputs)["y"] * np.float32(1 + 2e-7 * (len(inputs["x"]) > 1))
            return {"y": np.sin(100 * sums)}

        samples = Samples(SIGNATURE, GOLDEN, 4)
        assert try_rows(sensitive, samples, {1: 0.1, 8: 0.1}) is Rows.INDEPENDENT

    def test_a_slow_model_is_tried_on_one_scale(self) -> None:
        clock = Clock(0.1)
        samples = Samples(SIGNATURE, GOLDEN, 4)
        assert try_rows(clock.run, samples, {1: 0.1, 8: 0.8}, clock) is Rows.INDEPENDENT
        assert clock.sizes == [8] + [1] * 8

    def test_nothing_is_proved_without_different_rows(self) -> None:
        same = {name: np.concatenate([array[:1]] * 2) for name, array in GOLDEN.items()}
        for golden in (None, same):
            assert try_rows(total, Samples(SIGNATURE, golden, 4), {8: 0.1}) is Rows.UNTRIED

    def test_nothing_is_tried_that_took_too_long_to_measure(self) -> None:
        assert try_rows(total, Samples(SIGNATURE, GOLDEN, 4), {1: 3.0}) is Rows.UNTRIED

    def test_a_fixed_batch_is_known_from_the_signature(self) -> None:
        assert try_rows(total, Samples(FIXED, GOLDEN, 4), {}) is Rows.FIXED
