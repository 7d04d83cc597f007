"""The two roads of decoding give the same tensors, and neither lets a wrong shape through."""

import math
from typing import Any

import numpy as np
import orjson
import pytest
import simdjson
from hypothesis import given
from hypothesis import strategies as st

from service.base.errors import RequestInvalid
from service.base.signature import DTYPES, STRING, Signature, TensorSpec
from service.repository.model_config import ModelConfig
from service.web.exact import MAX_EXACT_BYTES
from service.web.exchange import Asked, Facts
from service.web.v1.predict import read_exactly, read_quickly
from tests.web.v1.calls import OUTPUT, decode, encode, facts, signature

numbers = st.one_of(
    st.floats(width=32, allow_nan=False, allow_infinity=False), st.integers(-(2**31), 2**31)
)
shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4)
KEYS = st.sampled_from(["instances", "inputs", "signature_name", "ключ", "\N{ROCKET}", "a", ""])
TEXTS = (
    st.sampled_from(["1", "-0", "2.5e3", "1e39", "1e400", "123456789012345678901234567890", "true"])
    | st.sampled_from(
        ["null", '"["', "[1]", "[]", "[1,2]", "[[1],[2]]", "[[1,2],[3,4]]", "[[1],2]"]
    )
    | st.sampled_from(
        ["NaN", "[[1.5, 0.25]]", '{"x": [[1, 2]]}', '{"x":[[1,2]],"x":[[3,4]]}', "01"]
    )
    | st.sampled_from(['""', '"serving_default"', '"other"', '{"x": [[1], [2, 3]]}', "[[1,2],[3]]"])
)
SIGNATURES = [
    signature(None, 2),
    signature(None, None),
    signature(None),
    signature(None, 2, dtype="int8"),
    signature(None, 2, vocabulary=3),
    signature(None, 2, 1),
]


def quick(body: bytes, of: Signature) -> np.ndarray | None:
    found = read_quickly(simdjson.Parser(), body, of)
    return None if found is None else found[0]["x"]


def same(one: Asked, other: Asked) -> bool:
    return (one.rows, one.form) == (other.rows, other.form) and all(
        np.array_equal(one.inputs[name], other.inputs[name])
        and one.inputs[name].dtype == other.inputs[name].dtype
        for name in one.inputs | other.inputs
    )


@given(st.data())
def test_both_roads_give_the_same_tensor(data: st.DataObject) -> None:
    shape = data.draw(shapes)
    flat = data.draw(st.lists(numbers, min_size=math.prod(shape), max_size=math.prod(shape)))
    body = orjson.dumps({"instances": np.array(flat, dtype=object).reshape(shape).tolist()})
    free = tuple(None if data.draw(st.booleans()) else axis for axis in shape[1:])
    of = signature(None, *free)

    fast = quick(body, of)

    assert fast is not None
    assert fast.tolist() == read_exactly(body, facts(of)).inputs["x"].tolist()
    assert fast.shape == tuple(shape)
    assert fast.dtype == np.float32


@given(st.lists(st.tuples(KEYS, TEXTS), max_size=4), st.sampled_from(SIGNATURES))
def test_what_the_quick_road_takes_the_exact_one_takes_alike(
    pairs: list[tuple[str, str]], of: Signature
) -> None:
    listed = ",".join(f"{orjson.dumps(key).decode()}:{text}" for key, text in pairs)
    body = f"{{{listed}}}".encode()
    found = read_quickly(simdjson.Parser(), body, of)
    try:
        exact = read_exactly(body, facts(of))
    except RequestInvalid:
        assert found is None
        return
    if found is not None:
        assert same(Asked(found[0], len(found[0]["x"]), found[1]), exact)
    assert same(decode(body, facts(of)), exact)


@pytest.mark.parametrize(
    "body",
    [
        b'{"instances":[[1,2]],"instances":[[3,4]]}',
        b'{"inputs":{"x":[[1,2]],"x":[[3,4]]}}',
        b'{"inputs":[[9,9]],"inputs":[[3,4]],"signature_name":""}',
    ],
)
def test_of_keys_that_stand_twice_the_last_one_counts(body: bytes) -> None:
    assert decode(body, facts(signature(None, 2))).inputs["x"].tolist() == [[3, 4]]


def test_several_inputs_go_the_quick_road_by_column() -> None:
    of = Signature(
        (TensorSpec("a", "float32", (None, 2)), TensorSpec("b", "int32", (None,))), (OUTPUT,)
    )
    body = b'{"inputs": {"b": [1, 2], "a": [[1, 2], [3, 4]]}}'
    found = read_quickly(simdjson.Parser(), body, of)
    assert found is not None
    assert same(Asked(found[0], 2, found[1]), read_exactly(body, facts(of)))
    uneven = b'{"inputs": {"b": [1], "a": [[1, 2], [3, 4]]}}'
    assert read_quickly(simdjson.Parser(), uneven, of) is None
    with pytest.raises(RequestInvalid, match="as many rows in every input, got a: 2, b: 1"):
        decode(uneven, facts(of))


def test_brackets_in_other_keys_only_cost_time() -> None:
    body = b'{"instances": [[1, 2]], "labels": ["[", "x"]}'
    assert decode(body, facts(signature(None, 2))).inputs["x"].tolist() == [[1.0, 2.0]]


def test_a_large_body_off_the_quick_road_is_refused_unread() -> None:
    body = b'{"instances": [[1, true]], "pad": "%b"}' % (b" " * MAX_EXACT_BYTES)
    with pytest.raises(RequestInvalid, match="not made of plain numbers"):
        decode(body, facts(signature(None, 2)))


def test_a_free_axis_is_the_same_for_all_rows_of_a_request() -> None:
    of = facts(signature(None, None))
    assert decode({"instances": [[1, 2, 3], [4, 5, 6]]}, of).inputs["x"].shape == (2, 3)
    with pytest.raises(RequestInvalid, match=r"instances\[1\]: expected 3 elements, got 2"):
        decode({"instances": [[1, 2, 3], [4, 5]]}, of)
    with pytest.raises(RequestInvalid, match="at least one element"):
        decode({"instances": [[]]}, of)


@pytest.mark.parametrize("root", ["instances", "inputs"])
@pytest.mark.parametrize("dtype", ["float32", "bool"])
def test_more_rows_than_the_limit_are_refused(root: str, dtype: str) -> None:
    of = facts(signature(None, dtype=dtype), max_rows=2)
    row: Any = True if dtype == "bool" else 1
    assert decode({root: [row] * 2}, of).rows == 2
    with pytest.raises(RequestInvalid, match=f"{root}: expected at most 2 instances, got 3"):
        decode({root: [row] * 3}, of)


def values(dtype: str) -> st.SearchStrategy[Any]:
    if dtype == STRING:
        return st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
    if dtype == "bool":
        return st.booleans()
    if dtype.startswith("float"):
        width = int(dtype.removeprefix("float"))
        return st.floats(width=width, allow_nan=False, allow_infinity=False)  # type: ignore[arg-type]
    limits = np.iinfo(dtype)
    return st.integers(int(limits.min), int(limits.max))


@given(st.data(), st.sampled_from(sorted(DTYPES)), shapes, st.booleans(), st.booleans())
def test_what_is_encoded_decodes_to_the_same(
    data: st.DataObject, dtype: str, shape: list[int], is_free: bool, is_row_form: bool
) -> None:
    size = math.prod(shape)
    flat = data.draw(st.lists(values(dtype), min_size=size, max_size=size))
    spec = TensorSpec("x", dtype, (None, *([None] * len(shape[1:]) if is_free else shape[1:])))
    array = np.array(flat, dtype=spec.numpy_dtype).reshape(shape)
    of = facts(Signature((spec,), (spec,)))

    content = encode(Asked({}, len(array), is_row_form), of, {"x": array})
    answer = orjson.loads(content)
    tensor = answer["predictions" if is_row_form else "outputs"]
    back = decode({"instances" if is_row_form else "inputs": tensor}, of)

    assert back.inputs["x"].dtype == array.dtype
    assert back.inputs["x"].tolist() == array.tolist()


def allowing() -> ModelConfig:
    return ModelConfig(allow_non_finite=True)


def loose(dtype: str = "float32") -> Facts:
    spec = TensorSpec("x", dtype, (None, 2))
    return facts(Signature((spec,), (spec, TensorSpec("z", dtype, (None,)))), allowing())


@given(st.lists(st.lists(st.floats(width=32), min_size=2, max_size=2), min_size=1, max_size=4))
def test_bare_words_pass_where_the_model_allows_them(rows: list[list[float]]) -> None:
    array = np.array(rows, np.float32)
    outputs = {"x": array, "z": array[:, 0]}
    content = encode(Asked({}, len(array), False), loose(), outputs)
    assert b"null" not in content
    back = decode(content.replace(b"outputs", b"inputs"), loose())
    assert np.array_equal(back.inputs["x"], array, equal_nan=True)
    listed = encode(Asked({}, len(array), True), loose(), outputs)
    assert b"null" not in listed
    assert listed.count(b'"z"') == len(array)


def test_bare_words_are_refused_elsewhere_and_large_numbers_everywhere() -> None:
    with pytest.raises(RequestInvalid, match="NaN and Infinity are no JSON numbers"):
        decode(b'{"instances": [[NaN, 1]]}', facts(signature(None, 2)))
    with pytest.raises(RequestInvalid, match="within the range of float32, got a larger one"):
        decode(b'{"instances": [[NaN, 1e39]]}', loose())
    with pytest.raises(RequestInvalid, match="number is infinity when parsed as double"):
        decode(b'{"instances": [[NaN, 1e400]]}', loose())
    for body in (b'{"instances": [[NaN, 1]', b'{"instances": [[nan, 1]]}', b'["\xff", NaN]'):
        with pytest.raises(RequestInvalid, match=r"^JSON Parse error: "):
            decode(body, loose())
    with pytest.raises(RequestInvalid, match=r"JSON Parse error: .*surrogate"):
        decode(b'{"instances": [["\\ud800", NaN]]}', loose())
