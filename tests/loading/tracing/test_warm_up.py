"""The first runs of a model: at which lengths it answers, on how many rows, and whether its trace
answers as the model itself."""

from typing import Any

import numpy as np
import pytest

from service.base.refusals import ModelUnsupported
from service.base.signature import Signature, Tensors, TensorSpec
from service.loading.tracing.samples import Scales
from service.loading.tracing.warm_up import check_trace, find_length, lengths_around, run_largest


class FakeTraced:
    """Doubles sequences that are long enough; `shift` is what only the trace adds."""

    def __init__(self, shortest: int = 1, most_rows: int = 1000, shift: float = 0.0) -> None:
        free = (None, None)
        self.signature = Signature(
            (TensorSpec("x", "float32", free),), (TensorSpec("y", "float32", free),)
        )
        self.scales: Scales | None = None
        self.rows: list[int] = []
        self._shortest, self._most_rows, self._shift = shortest, most_rows, shift

    def run(self, inputs: Tensors) -> list[Any]:
        x = inputs["x"]
        self.rows.append(len(x))
        if len(x) > self._most_rows:
            raise MemoryError("no room")
        return [2 * x[:, self._shortest - 1 :] + self._shift]

    def run_fixed(self, inputs: Tensors) -> list[Any]:
        return [2 * inputs["x"][:, self._shortest - 1 :]]


class FakeStrict(FakeTraced):
    def run(self, inputs: Tensors) -> list[Any]:
        if inputs["x"].shape[1] != 8:
            raise ValueError("expected 8 steps")
        return [inputs["x"]]


@pytest.mark.parametrize(("shortest", "length"), [(1, 5), (5, 5), (6, 12), (10_001, 11_000)])
def test_the_shortest_length_that_gives_an_answer_is_found(shortest: int, length: int) -> None:
    assert find_length(FakeTraced(shortest), "m.h5") == length


@pytest.mark.parametrize(
    ("traced", "words"),
    [(FakeTraced(10**6), "it gives empty outputs"), (FakeStrict(), "expected 8 steps")],
)
def test_a_model_that_never_answers_is_refused(traced: FakeTraced, words: str) -> None:
    with pytest.raises(ModelUnsupported, match=f"m.h5 .*can't be run: .*{words}"):
        find_length(traced, "m.h5")


def test_the_largest_batch_is_as_large_as_its_tensors_allow() -> None:
    small, large = FakeTraced(), FakeTraced()

    assert run_largest(small, 5, 100, "m.h5") == 32
    assert run_largest(large, 5, 4_000_000, "m.h5") == 6
    assert (small.rows, large.rows) == ([32], [6])


def test_a_batch_that_can_not_be_run_is_a_refusal() -> None:
    with pytest.raises(ModelUnsupported, match="can't be run on 32 rows: MemoryError"):
        run_largest(FakeTraced(most_rows=4), 5, 100, "m.h5")


def test_a_trace_that_answers_otherwise_is_a_refusal() -> None:
    check_trace(FakeTraced(), 5, "m.h5")
    with pytest.raises(ModelUnsupported, match="traced for free axes, its output 'y' differs"):
        check_trace(FakeTraced(shift=1.0), 5, "m.h5")


def test_verification_tries_several_lengths() -> None:
    lengths = lengths_around(11_000)

    assert len(set(lengths)) == 3
    assert min(lengths) == 11_000


@pytest.mark.slow
def test_time_distributed_over_a_free_axis_takes_every_step() -> None:
    """Keras 3.15 computes as many steps as the batch has rows, without an error."""
    import keras

    import service.loading.time_distributed
    from service.loading.tracing.trace import TracedModel

    assert service.loading.time_distributed
    inner = keras.Sequential([keras.Input((4, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    model = keras.Sequential(
        [
            keras.Input((None, 4, 3)),
            keras.layers.TimeDistributed(inner),
            keras.layers.TimeDistributed(keras.layers.Dense(5)),
        ]
    )
    traced = TracedModel(model)
    inputs = {traced.signature.inputs[0].name: np.ones((2, 7, 4, 3), "float32")}

    (got,), (expected,) = traced.run(inputs), traced.run_fixed(inputs)

    assert got.shape == (2, 7, 5)
    np.testing.assert_allclose(got, expected, atol=1e-6)
    check_trace(traced, 5, "m.h5")
