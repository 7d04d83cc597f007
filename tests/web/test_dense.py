"""A flat buffer of the right size is no proof of a shape; the proof is, whichever way it goes."""

import math
from typing import Any

import numpy as np
import orjson
import pytest
import simdjson
from hypothesis import given
from hypothesis import strategies as st

from service.base.signature import TensorSpec
from service.web.dense import (
    MAX_KEPT_BYTES,
    NOT_PLAIN,
    QUICK_DTYPES,
    Parsers,
    dense_tensor,
    flat_tensor,
    is_regular,
)

shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4)


def spec(*shape: int | None, dtype: str = "float32") -> TensorSpec:
    return TensorSpec("x", dtype, shape)


def read(body: bytes, of: TensorSpec) -> np.ndarray | None:
    try:
        array: Any = simdjson.Parser().parse(body)
        tensor = dense_tensor(array, of)
        return tensor if tensor is not None and is_regular(body, [(array, tensor.shape)]) else None
    except NOT_PLAIN:
        return None


def spoil(value: Any, choice: int) -> Any:
    """One change somewhere in nested lists: too long, too short, deeper, shallower, empty."""
    if isinstance(value, list) and value and choice % 3 == 0 and isinstance(value[-1], list):
        return [*value[:-1], spoil(value[-1], choice // 3)]
    if not isinstance(value, list):
        return [value]
    changes = [[*value, value[-1]], value[:-1], [*value[:-1], [value[-1]]], value[0], []]
    return changes[choice % len(changes)]


@given(shapes, st.integers(0, 10_000), st.sampled_from(["", " " * 2000]))
def test_only_what_has_the_shape_is_taken(shape: list[int], choice: int, padding: str) -> None:
    # Padding makes the arrays few for the size of the document, which is then proved by walking.
    nested = np.zeros(shape).tolist()
    spoilt = spoil(nested, choice)
    of = spec(None, *shape[1:])
    good, bad = (f"{padding}{orjson.dumps(x).decode()}".encode() for x in (nested, spoilt))

    taken, maybe = read(good, of), read(bad, of)

    assert taken is not None
    assert taken.shape == tuple(shape)
    try:
        expected = np.array(spoilt, dtype=float)
    except ValueError:
        expected = np.zeros(())
    is_right = expected.ndim == len(shape) and list(expected.shape[1:]) == shape[1:]
    assert (maybe is not None) == (is_right and expected.size > 0)


@pytest.mark.parametrize("padding", ["", " " * 2000])
@pytest.mark.parametrize(
    "content",
    ["[[1,[2]]]", "[[[1],2]]", "[[1,2],[3,[4]]]", "[[[1,2]]]", "[[1,2],3]", "[[1,2],[]]",
     "[[],[]]", "[[],[1,2]]", "[[1],[2,3]]", '[[1,"2"]]', "[[1,null]]", "[[1,{}]]", "[[1,true]]"],
)  # fmt: skip
def test_a_buffer_of_the_right_size_is_no_proof(content: str, padding: str) -> None:
    assert read((content + padding).encode(), spec(None, 2)) is None


def test_texts_with_brackets_only_cost_the_quick_road() -> None:
    body = b'{"a": [[1, 2]], "b": ["[", "]"]}'
    document: Any = simdjson.Parser().parse(body)
    assert not is_regular(body, [(document["a"], (1, 2))])
    assert not is_regular(body, [(document["a"], (1, 2))], others=1)
    assert is_regular(body, [(document["a"], (1, 2))], others=2)


def test_several_arrays_are_proved_together() -> None:
    body = b'{"a": [[1], [2]], "b": [3, 4]}'
    document: Any = simdjson.Parser().parse(body)
    assert is_regular(body, [(document["a"], (2, 1)), (document["b"], (2,))])
    assert not is_regular(body, [(document["a"], (2, 1))])


@pytest.mark.parametrize("dtype", sorted(QUICK_DTYPES))
def test_the_limits_of_a_dtype_are_kept(dtype: str) -> None:
    is_float = dtype.startswith("float")
    limits: Any = np.finfo(dtype) if is_float else np.iinfo(dtype)
    inside = [limits.min.item(), limits.max.item()] if is_float else [limits.min, limits.max]

    tensor = read(orjson.dumps(inside), spec(None, dtype=dtype))

    assert tensor is not None
    assert tensor.dtype == dtype
    assert tensor.tolist() == inside
    if dtype != "float64":
        for beyond in (inside[0] * 2 - 1, inside[1] * 2 + 1):
            assert read(f"[{beyond}]".encode(), spec(None, dtype=dtype)) is None


def test_many_numbers_are_looked_at_as_few_are() -> None:
    numbers = [0.5] * 10_000
    assert read(orjson.dumps(numbers), spec(None)) is not None
    assert read(orjson.dumps([*numbers, 1e39]), spec(None)) is None


@given(shapes, st.booleans())
def test_a_told_shape_fits_flat_and_nested(shape: list[int], is_flat: bool) -> None:
    array = np.arange(math.prod(shape)).reshape(shape)
    body = orjson.dumps((array.reshape(-1) if is_flat else array).tolist())
    data: Any = simdjson.Parser().parse(body)

    found = flat_tensor(data, spec(*[None] * len(shape)), tuple(shape))

    assert found is not None
    tensor, extent = found
    assert np.array_equal(tensor, array)
    assert is_regular(body, [(data, extent)])


@pytest.mark.parametrize("shape", [(3,), (-1, -2), (2, 0), (1, 3)])
def test_a_lying_shape_fits_nothing(shape: tuple[int, ...]) -> None:
    data: Any = simdjson.Parser().parse(b"[1, 2]")
    assert flat_tensor(data, spec(None), shape) is None


def test_parsers_are_kept_unless_they_have_grown_large() -> None:
    parsers = Parsers(most=1)
    first = parsers.take()
    parsers.give(first, 10)
    parsers.give(parsers.take(), 10)
    assert parsers.take() is first
    parsers.give(first, MAX_KEPT_BYTES + 1)
    assert parsers.take() is not first
