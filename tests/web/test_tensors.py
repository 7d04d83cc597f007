"""What each dtype takes and refuses, and how the place of a fault is told."""

from typing import Any

import numpy as np
import pytest

from service.base.errors import TensorInvalid
from service.base.signature import TensorSpec
from service.web.tensors import all_finite, check_values, to_tensor


def spec(*shape: int | None, dtype: str = "float32", vocabulary: int | None = None) -> TensorSpec:
    return TensorSpec("x", dtype, shape, vocabulary)


@pytest.mark.parametrize(
    ("dtype", "value", "words"),
    [
        ("int32", 1.5, "a whole number"),
        ("int32", 2**31, "from -2147483648 to 2147483647"),
        ("uint8", -1, "from 0 to 255"),
        ("int64", 2**63, "from -9223372036854775808 to 9223372036854775807"),
        ("int64", True, "a whole number"),
        ("bool", 1, "true or false"),
        ("string", 5, "a string"),
        ("string", {"b64": "?"}, "base64 of UTF-8 text"),
        ("string", {"b64": "/w=="}, "base64 of UTF-8 text"),
        ("float32", True, "a number"),
        ("float32", "1", "a number"),
        ("float32", None, "a number"),
        ("float32", 1e39, "a number within the range of float32, got a larger one"),
        ("float32", 10**400, "a number within the range of a float"),
        ("float16", 65520, "a number within the range of float16, got a larger one"),
        ("float32", float("nan"), "a number within the range of float32, got NaN"),
    ],
)
def test_each_dtype_refuses_what_it_cannot_hold(dtype: str, value: Any, words: str) -> None:
    with pytest.raises(TensorInvalid, match=words) as caught:
        to_tensor([value], spec(None, dtype=dtype), "instances")
    assert str(caught.value).startswith("instances[0]: ")


def test_large_integers_stay_exact() -> None:
    limits = [2**63 - 1, -(2**63)]
    assert to_tensor(limits, spec(None, dtype="int64"), "x").tolist() == limits


@pytest.mark.parametrize("dtype", ["float32", "int64"])
@pytest.mark.parametrize("index", [-1, 5, 1.5, 2**32 + 1])
def test_an_index_outside_of_the_vocabulary_is_refused(dtype: str, index: float) -> None:
    words = r"instances\[1\]\[1\]: expected a whole number"
    with pytest.raises(TensorInvalid, match=words):
        to_tensor([[0, 4], [1, index]], spec(None, 2, dtype=dtype, vocabulary=5), "instances")


def test_the_key_of_an_input_stands_behind_the_instance() -> None:
    with pytest.raises(TensorInvalid, match=r"^instances\[1\]\.a\[0\]: expected a number"):
        to_tensor([[1], [None]], spec(None, 1), "instances", "a")
    with pytest.raises(TensorInvalid, match=r"^inputs\.a\[1\]\[0\]: expected a number"):
        to_tensor([[1], [None]], spec(None, 1), "inputs.a")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("size", [4, 20_000])
@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_one_number_that_is_not_finite_is_found(dtype: type, size: int, odd: float) -> None:
    largest: np.ndarray = np.full(size, np.finfo(dtype).max, dtype)
    assert all_finite(largest)
    largest[-1] = odd
    assert not all_finite(largest)
    with pytest.raises(TensorInvalid, match=rf"^x\[{size - 1}\]: expected a number"):
        check_values(largest, spec(None, dtype=largest.dtype.name), "x")
    check_values(largest, spec(None, dtype=largest.dtype.name), "x", allow_non_finite=True)


def test_a_vocabulary_holds_also_where_anything_is_allowed() -> None:
    indices = np.array([[0.0, np.nan]], np.float32)
    with pytest.raises(TensorInvalid, match=r"x\[0\]\[1\]: expected a whole number from 0 to 4"):
        check_values(indices, spec(None, 2, vocabulary=5), "x", allow_non_finite=True)
    check_values(np.zeros((0, 2), np.float32), spec(None, 2, vocabulary=5), "x")
