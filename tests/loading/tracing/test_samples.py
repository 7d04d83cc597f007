"""The inputs that a model is verified with."""

import numpy as np
import pytest

from service.base.signature import DTYPES, Signature, TensorSpec
from service.loading.tracing.samples import WORDS, sample_inputs


def _signature(*specs: TensorSpec) -> Signature:
    return Signature(specs, ())


@pytest.mark.parametrize("dtype", sorted(DTYPES))
def test_every_dtype_and_free_axis_is_filled(dtype: str) -> None:
    spec = TensorSpec("x", dtype, (None, None, 3, None))

    values = sample_inputs(_signature(spec), rows=2, free_axis=5, seed=0)["x"]

    assert values.shape == (2, 5, 3, 5)
    assert values.dtype == spec.numpy_dtype


def test_texts_are_words() -> None:
    spec = TensorSpec("x", "string", (None, 20))

    values = sample_inputs(_signature(spec), 3, 5, 0)["x"]

    assert set(values.ravel()) <= set(WORDS)


@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_indices_stay_within_the_vocabulary(dtype: str) -> None:
    """An index beyond it fails in TensorFlow and reads foreign memory elsewhere."""
    spec = TensorSpec("x", dtype, (None, 1000), vocabulary=3)

    values = sample_inputs(_signature(spec), 2, 5, 0)["x"]

    assert set(values.ravel().tolist()) == {0, 1, 2}
    assert values.dtype == np.dtype(dtype)


def test_the_same_seed_gives_the_same_inputs() -> None:
    signature = _signature(TensorSpec("a", "float32", (None, 4)), TensorSpec("b", "bool", (None,)))

    first, again, other = (sample_inputs(signature, 3, 5, seed) for seed in (1, 1, 2))

    assert all(np.array_equal(first[name], again[name]) for name in ("a", "b"))
    assert not np.array_equal(first["a"], other["a"])


def test_inputs_that_are_normalised_are_drawn_from_their_range() -> None:
    signature = _signature(
        TensorSpec("scaled", "float32", (None, 2)), TensorSpec("plain", "float32", (None, 2))
    )
    scales = {"scaled": (np.array([1000.0, -5.0]), np.array([10.0, 0.1]))}

    inputs = sample_inputs(signature, 500, 5, 0, scales)

    np.testing.assert_allclose(inputs["scaled"].mean(axis=0), [1000, -5], rtol=0.01)
    np.testing.assert_allclose(inputs["scaled"].std(axis=0), [10, 0.1], rtol=0.2)
    assert inputs["scaled"].dtype == np.float32
    assert abs(inputs["plain"].mean()) < 0.5
