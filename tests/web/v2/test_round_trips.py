"""What a client encodes is what the model gets, and what the model gives is what a client reads."""

from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from service.base.errors import RequestInvalid, Unsupported
from service.base.signature import DTYPES, STRING
from service.repository.model_config import ModelConfig
from service.web.exchange import Call
from service.web.v2.datatypes import V2_OF
from tests.web.v2.asking import (
    answer,
    binary_call,
    call,
    decode,
    echoing,
    facts,
    join_texts,
    json_call,
    one_binary,
    one_input,
    read,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SHAPES = hnp.array_shapes(min_dims=1, max_dims=4, max_side=5)
NON_FINITE = ModelConfig(allow_non_finite=True)
IN_BINARY = [(dtype, "binary") for dtype in sorted(DTYPES)]
IN_JSON = [(dtype, "flat") for dtype in sorted(DTYPES - {"float16"})]
IN_NESTED_JSON = [(dtype, "nested") for dtype, _ in IN_JSON]
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
WHOLE: dict[str, Any] = {
    "id": "a",
    "parameters": {"timeout": 5, "priority": 1, "sequence_id": "s", "binary_data_output": False},
    "inputs": [
        {"name": "x", "shape": [2, 2], "datatype": "FP32", "data": [1, 2, 3, 4], "parameters": {}}
    ],
    "outputs": [{"name": "probs", "parameters": {"classification": 2, "binary_data": False}}],
}
PLACES: list[tuple[str | int, ...]] = [
    *((key,) for key in WHOLE),
    *(("parameters", key) for key in WHOLE["parameters"]),
    *(("inputs", 0, key) for key in WHOLE["inputs"][0]),
    *(("inputs", 0, "shape", axis) for axis in (0, 1)),
    *(("inputs", 0, "data", index) for index in (0, 3)),
    *(("inputs", 0, "parameters", key) for key in ("binary_data_size", "shared_memory_region")),
    *(("outputs", 0, key) for key in ("name", "parameters")),
    *(("outputs", 0, "parameters", key) for key in ("classification", "binary_data")),
]


def arrays(dtype: str, *, finite: bool = True) -> st.SearchStrategy[np.ndarray]:
    if dtype == STRING:
        return hnp.arrays(object, SHAPES, elements=TEXT)
    if dtype.startswith("float"):
        numbers = hnp.from_dtype(np.dtype(dtype), allow_nan=not finite, allow_infinity=not finite)
        return hnp.arrays(dtype, SHAPES, elements=numbers)
    return hnp.arrays(dtype, SHAPES)


def raw(array: np.ndarray) -> bytes:
    return join_texts(array.ravel().tolist()) if array.dtype == object else array.tobytes()


def sent(array: np.ndarray, dtype: str, form: str) -> Call:
    """The array in a request: binary, or flat or nested JSON."""
    if form == "binary":
        content = raw(array)
        parameters = {"binary_data_output": dtype == "float16"}  # which JSON doesn't have
        record = one_binary(len(content), array.shape, V2_OF[dtype])
        return binary_call({**record, "parameters": parameters}, content)
    data: Any = array.ravel().tolist() if form == "flat" else array.tolist()
    return json_call(one_input(data, array.shape, V2_OF[dtype]))


def same(got: np.ndarray, expected: np.ndarray) -> bool:
    return got.shape == expected.shape and (
        got.tolist() == expected.tolist()
        if expected.dtype == object
        else got.dtype == expected.dtype and got.tobytes() == expected.tobytes()
    )


@pytest.mark.parametrize(("dtype", "form"), [*IN_BINARY, *IN_JSON, *IN_NESTED_JSON])
def test_inputs_arrive_as_they_were_sent(dtype: str, form: str) -> None:
    @settings(max_examples=20)
    @given(array=arrays(dtype))
    def check(array: np.ndarray) -> None:
        of = facts(echoing(dtype, [None] * array.ndim))
        asked = decode(sent(array, dtype, form), of)
        assert same(asked.inputs["x"], array)
        assert asked.rows == len(array)

    check()


@pytest.mark.parametrize(("dtype", "form"), [*IN_BINARY, *IN_JSON])
def test_outputs_are_read_as_they_were_given(dtype: str, form: str) -> None:
    @settings(max_examples=20)
    @given(array=arrays(dtype))
    def check(array: np.ndarray) -> None:
        wanted = [{"name": "y", "parameters": {"binary_data": form == "binary"}}]
        record = {**one_input([1], [1]), "outputs": wanted}
        signature = echoing("float32", (None,))
        reply = answer(json_call(record), facts(signature), {"y": array})
        assert same(read(reply).tensor("y", dtype), array)

    check()


@settings(max_examples=50)
@given(array=arrays("float32", finite=False))
def test_numbers_that_are_not_finite_make_the_round_where_they_are_allowed(
    array: np.ndarray,
) -> None:
    of = facts(echoing("float32", [None] * array.ndim), NON_FINITE)
    asked = sent(array, "float32", "binary")
    assert np.array_equal(decode(asked, of).inputs["x"], array, equal_nan=True)
    content = answer(asked, of, {"y": array}).content
    start = content.index(b'"data":[') + len(b'"data":[')
    words = content[start : content.index(b"]", start)].split(b",")
    numbers = np.array([float(word) for word in words], np.float32)
    assert np.array_equal(numbers, array.ravel(), equal_nan=True)


@settings(max_examples=100)
@given(body=st.binary(max_size=200), length=st.integers(-2, 250))
def test_any_body_is_read_or_refused(body: bytes, length: int) -> None:
    try:
        decode(call(body, length), facts())
    except RequestInvalid as error:
        orjson.dumps(str(error))  # raises for what can't be answered


@settings(max_examples=300)
@given(value=ANY_JSON, place=st.sampled_from(PLACES))
def test_any_value_anywhere_is_read_or_refused(value: Any, place: tuple[str | int, ...]) -> None:
    record = orjson.loads(orjson.dumps(WHOLE))
    holder = record
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    for of in (facts(), facts(config=NON_FINITE)):
        try:
            answer(json_call(record), of, {"probs": np.zeros((2, 3), np.float32)})
        except (RequestInvalid, Unsupported) as error:
            orjson.dumps(str(error))


def test_every_number_of_a_half_survives() -> None:
    array = np.arange(2**16, dtype=np.uint16).view(np.float16).reshape(-1, 4)
    array = array[np.isfinite(array).all(axis=1)]
    of = facts(echoing("float16", (None, 4)), max_rows=2**16)
    assert same(decode(sent(array, "float16", "binary"), of).inputs["x"], array)
