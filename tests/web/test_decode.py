"""The two roads of decoding give the same tensors, and neither lets a wrong shape through."""

import math
from typing import Any

import numpy as np
import orjson
import pytest
import simdjson
from hypothesis import given
from hypothesis import strategies as st

from service.base.errors import RequestInvalid, TensorInvalid
from service.base.signature import Signature, TensorSpec
from service.web.decode import Decoder, _decode_exactly, _decode_quickly

OUTPUT = (TensorSpec("y", "float32", (None, 1)),)
numbers = st.one_of(
    st.floats(width=32, allow_nan=False, allow_infinity=False), st.integers(-(2**31), 2**31)
)
shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4)


def signature(*shape: int | None, dtype: str = "float32", **more: Any) -> Signature:
    return Signature((TensorSpec("x", dtype, shape, **more),), OUTPUT)


def quick(body: bytes, of: Signature) -> np.ndarray | None:
    request = _decode_quickly(simdjson.Parser(), body, of)
    return None if request is None else request.inputs["x"]


@given(st.data())
def test_both_roads_give_the_same_tensor(data: st.DataObject) -> None:
    shape = data.draw(shapes)
    flat = data.draw(st.lists(numbers, min_size=math.prod(shape), max_size=math.prod(shape)))
    nested = np.array(flat, dtype=object).reshape(shape).tolist()
    body = orjson.dumps({"instances": nested})
    free = tuple(None if data.draw(st.booleans()) else axis for axis in shape[1:])
    of = signature(None, *free)
    fast = quick(body, of)
    assert fast is not None
    assert fast.tolist() == _decode_exactly(body, of).inputs["x"].tolist()
    assert fast.shape == tuple(shape)
    assert fast.dtype == np.float32


def spoil(value: Any, choice: int) -> Any:
    """One change somewhere in nested lists: too long, too short, deeper, shallower."""
    if isinstance(value, list) and value and choice % 3 == 0 and isinstance(value[-1], list):
        return [*value[:-1], spoil(value[-1], choice // 3)]
    if not isinstance(value, list):
        return [value]
    return [[*value, value[-1]], value[:-1], [*value[:-1], [value[-1]]], value[0]][choice % 4]


@given(shapes.filter(lambda shape: len(shape) > 1), st.integers(0, 10_000))
def test_no_road_takes_a_spoilt_shape(shape: list[int], choice: int) -> None:
    nested = spoil(np.zeros(shape).tolist(), choice)
    of = signature(None, *shape[1:])
    try:
        expected = np.array(nested, dtype=float)
    except ValueError:
        expected = np.zeros(())
    is_right = expected.ndim == len(shape) and list(expected.shape[1:]) == shape[1:]
    is_right = is_right and expected.size > 0
    body = orjson.dumps({"instances": nested})
    if is_right:
        assert Decoder().decode(body, of).inputs["x"].shape == expected.shape
    else:
        with pytest.raises(RequestInvalid):
            Decoder().decode(body, of)


@pytest.mark.parametrize(
    "content",
    [
        "[[1,[2]]]",
        "[[[1],2]]",
        "[[1,2],[3,[4]]]",
        "[[[1,2]]]",
        "[[1,2],3]",
        "[[1,2],[]]",
        "[[],[]]",
    ],
)
def test_a_flat_buffer_of_the_right_size_is_no_proof(content: str) -> None:
    with pytest.raises(TensorInvalid):
        Decoder().decode(f'{{"instances": {content}}}'.encode(), signature(None, 2))


def test_brackets_in_other_keys_only_cost_time() -> None:
    body = b'{"instances": [[1, 2]], "labels": ["[", "x"]}'
    assert Decoder().decode(body, signature(None, 2)).inputs["x"].tolist() == [[1.0, 2.0]]


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
    ],
)
def test_each_dtype_refuses_what_it_cannot_hold(dtype: str, value: Any, words: str) -> None:
    body = orjson.dumps({"instances": [value]})
    with pytest.raises(TensorInvalid, match=words) as caught:
        Decoder().decode(body, signature(None, dtype=dtype))
    assert str(caught.value).startswith("instances[0]: ")


def test_large_integers_stay_exact() -> None:
    body = orjson.dumps({"instances": [2**63 - 1, -(2**63)]})
    decoded = Decoder().decode(body, signature(None, dtype="int64")).inputs["x"]
    assert decoded.tolist() == [2**63 - 1, -(2**63)]


@pytest.mark.parametrize("index", [-1, 5, 1.5, 2**32 + 1])
def test_an_index_outside_of_the_vocabulary_is_refused(index: float) -> None:
    body = orjson.dumps({"instances": [[0, 4], [1, index]]})
    with pytest.raises(TensorInvalid, match=r"instances\[1\]\[1\]: expected a whole number from 0"):
        Decoder().decode(body, signature(None, 2, vocabulary=5))


def test_a_free_axis_is_the_same_for_all_rows_of_a_request() -> None:
    of = signature(None, None)
    assert Decoder().decode(b'{"instances": [[1,2,3],[4,5,6]]}', of).inputs["x"].shape == (2, 3)
    with pytest.raises(TensorInvalid, match=r"instances\[1\]: expected 3 elements, got 2"):
        Decoder().decode(b'{"instances": [[1,2,3],[4,5]]}', of)
    with pytest.raises(TensorInvalid, match="at least one element"):
        Decoder().decode(b'{"instances": [[]]}', of)


def test_columns_must_have_as_many_rows() -> None:
    of = Signature(
        (TensorSpec("a", "float32", (None, 1)), TensorSpec("b", "float32", (None, 1))), OUTPUT
    )
    with pytest.raises(TensorInvalid, match="as many rows in every input, got a: 2, b: 1"):
        Decoder().decode(b'{"inputs": {"a": [[1],[2]], "b": [[1]]}}', of)
