"""Requests that lie, each with the words it is refused in: a client's programmer reads them."""

from typing import Any

import numpy as np
import orjson
import pytest

from service.base.errors import KerasdError, RequestInvalid, Unsupported
from service.base.signature import STRING, Signature, TensorSpec
from service.web.exact import MAX_EXACT_BYTES
from service.web.exchange import Call, Facts
from tests.web.v2.asking import (
    FLOATS,
    answer,
    binary_call,
    call,
    decode,
    echoing,
    facts,
    json_call,
    one_binary,
    one_input,
)

GOOD = one_input([1, 2], [1, 2])
PAIR = Signature(
    (TensorSpec("a", "float32", (None,)), TensorSpec("b", "float32", (None,))), FLOATS.outputs
)
HALF = Signature(FLOATS.inputs, (TensorSpec("y", "float16", (None, 2)),))
INDEXED = Signature((TensorSpec("x", "int32", (None, 2), vocabulary=10),), FLOATS.outputs)
HUGE = 2**62
EIGHT = np.array([1, 2], "<f4").tobytes()


def changed(**keys: Any) -> dict[str, Any]:
    """The good request with other keys in its input; none takes one out."""
    described = {**GOOD["inputs"][0], **keys}
    return {"inputs": [{key: value for key, value in described.items() if value is not None}]}


def single(name: str, data: list[float]) -> dict[str, Any]:
    return {"name": name, "shape": [len(data)], "datatype": "FP32", "data": data}


def wants(**parameters: Any) -> dict[str, Any]:
    return {**GOOD, "outputs": [{"name": "probs", "parameters": parameters}]}


def asks(**parameters: Any) -> dict[str, Any]:
    return {**GOOD, "parameters": parameters}


ENVELOPES: list[tuple[Any, str]] = [
    ([], "Unable to parse 'inputs': the request must be a JSON object"),
    ({}, "Unable to parse 'inputs': expected a list of objects"),
    ({"inputs": {}}, "Unable to parse 'inputs': expected a list of objects"),
    ({"inputs": [7]}, "Unable to parse 'name': every input needs one, a string"),
    ({"inputs": [{}] * 1025}, "The request has 1025 inputs; it may have 1024"),
    ({**GOOD, "id": 5}, "Unable to parse 'id': expected a string"),
    ({**GOOD, "outputs": {}}, "Unable to parse 'outputs': expected a list of objects"),
    ({**GOOD, "outputs": [{}]}, "Unable to parse 'name': every output needs one, a string"),
    ({**GOOD, "outputs": [{"name": "no"}]}, "unexpected inference output 'no' for model 'churn'"),
    ({**GOOD, "outputs": [{"name": "probs"}] * 2}, "output 'probs' already exists in request"),
    (wants(binary_data=1), "Unable to parse 'binary_data' of output 'probs'"),
    (wants(classification=-1), "Unable to set 'classification' of output 'probs'"),
    (wants(classification=True), "Unable to set 'classification' of output 'probs'"),
    ({**GOOD, "parameters": []}, "Unable to parse 'parameters': expected an object"),
    (asks(triton_x=1), "parameter keys starting with 'triton_' are reserved for Triton usage"),
    (asks(timeout=-1), "Unable to parse 'timeout': expected a whole number"),
    (asks(timeout=1.5), "Unable to parse 'timeout': expected a whole number"),
    (asks(timeout=True), "Unable to parse 'timeout': expected a whole number"),
    (asks(priority="high"), "Unable to parse 'priority': expected a whole number"),
    (asks(sequence_id=[]), "Unable to parse 'sequence_id': expected a number or a string"),
    (asks(sequence_start=1), "Unable to parse 'sequence_start': expected true or false"),
    (asks(binary_data_output="yes"), "Unable to parse 'binary_data_output'"),
    (asks(mine={}), "parameter 'mine' has invalid type"),
    (changed(name="z"), "unexpected inference input 'z' for model 'churn'"),
    (changed(name=None), "Unable to parse 'name': every input needs one, a string"),
    (changed(datatype=None), "Unable to parse 'datatype': every input needs one, a string"),
    (changed(datatype="FP64"), "data-type is 'FP64', but model 'churn' expects 'FP32'"),
    (changed(datatype="float"), "data-type is 'float', but model 'churn' expects 'FP32'"),
    (changed(datatype="FP16"), "receiving FP16 data via JSON is not supported"),
    (changed(datatype="BF16"), "receiving BF16 data via JSON is not supported"),
    (changed(shape=None), "Unable to parse 'shape' of input 'x'"),
    (changed(shape="12"), "Unable to parse 'shape' of input 'x'"),
    (changed(shape=[-1, 2]), "Unable to parse 'shape' of input 'x'"),
    (changed(shape=[1.0, 2]), "Unable to parse 'shape' of input 'x'"),
    (changed(shape=[True, 2]), "Unable to parse 'shape' of input 'x'"),
    (
        changed(shape=[]),
        "unexpected shape for input 'x' for model 'churn'. Expected [-1,2], got []",
    ),
    (changed(shape=[2]), "Expected [-1,2], got [2]"),
    (changed(shape=[1, 3]), "Expected [-1,2], got [1,3]"),
    (changed(shape=[1] * 99), "got [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,...]"),
    (changed(shape=[0, 2], data=[]), "expected at least one element on every axis, got [0,2]"),
    (changed(shape=[101, 2]), "inference request batch-size must be <= 100 for 'churn', got 101"),
    (changed(shape=[HUGE, 2]), "inference request batch-size must be <= 100 for 'churn'"),
    (changed(data=None), "Input must set only one of the following fields"),
    (changed(parameters={"binary_data_size": 8}), "But set 'data' 'binary_data_size'"),
    (changed(data="text"), "Unable to parse 'data' of input 'x': expected a list"),
    (changed(data=[1]), "Shape does not match true shape of 'data' field of input 'x'"),
    (changed(data=[1, 2, 3]), "expected 2 elements, got 3"),
    (changed(data=[1, "a"]), 'inputs[0].data[1]: expected a number, got the string "a"'),
    (changed(data=[1, None]), "inputs[0].data[1]: expected a number, got null"),
    (changed(data=[1, True]), "inputs[0].data[1]: expected a number, got true"),
    (changed(data=[1, 1e39]), "inputs[0].data[1]: expected a number within the range of float32"),
    (changed(data=[[1, 2], []]), "expected 2 elements, got 4"),
    (changed(shape=[2, 2], data=[[1, 2], [3]]), "inputs[0].data[1]: expected 2 elements, got 1"),
    (changed(shape=[2, 2], data=[[1, 2], [3, [4]]]), "inputs[0].data[1][1]: expected a number"),
]


@pytest.mark.parametrize(("record", "text"), ENVELOPES, ids=range(len(ENVELOPES)))
def test_json_is_refused_with_the_reason(record: Any, text: str) -> None:
    with pytest.raises(RequestInvalid) as caught:
        decode(json_call(record), facts())
    assert text in str(caught.value)
    assert caught.value.status == 400


VERSIONS: list[tuple[Facts, Call, str]] = [
    (
        facts(PAIR),
        json_call({"inputs": [single("a", [1])]}),
        "expected 2 inputs but got 1 inputs for model 'churn'. Got input(s) ['a'], but missing "
        "required input(s) ['b']. Please provide all required input(s).",
    ),
    (facts(), json_call({"inputs": [*GOOD["inputs"], single("b", [1])]}), "expected 1 inputs but"),
    (facts(), json_call({"inputs": []}), "Got input(s) [], but missing required input(s) ['x']"),
    (
        facts(PAIR),
        json_call({"inputs": [single("a", [1]), single("a", [1])]}),
        "input 'a' already exists in request",
    ),
    (
        facts(PAIR),
        json_call({"inputs": [single("a", [1]), single("b", [1, 2])]}),
        "input 'b' batch size does not match other inputs for 'churn'",
    ),
    (facts(HALF), json_call(GOOD), "sending FP16 data via JSON is not supported"),
    (
        facts(HALF),
        json_call({**GOOD, "outputs": [{"name": "y", "parameters": {"classification": 1}}]}),
        "class result not available for output 'y' due to unsupported type 'FP16'",
    ),
    (
        facts(INDEXED),
        json_call(one_input([9, 10], [1, 2], "INT32")),
        "inputs[0].data[1]: expected a whole number from 0 to 9, got 10",
    ),
    (
        facts(INDEXED),
        binary_call(one_binary(8, [1, 2], "INT32"), np.array([-1, 3], "<i4").tobytes()),
        "inputs[0].data[0][0]: expected a whole number from 0 to 9, got -1",
    ),
    (
        facts(echoing("int8")),
        json_call(one_input([1, 128], [1, 2], "INT8")),
        "inputs[0].data[1]: expected a whole number from -128 to 127, got 128",
    ),
    (
        facts(echoing("uint64")),
        json_call(one_input([1, -1], [1, 2], "UINT64")),
        "expected a whole number from 0 to 18446744073709551615, got -1",
    ),
    (facts(echoing("int32")), json_call(one_input([1, 1.0], [1, 2], "INT32")), "a whole number"),
    (
        facts(echoing("bool")),
        json_call(one_input([1, 0], [1, 2], "BOOL")),
        "expected true or false",
    ),
    (facts(echoing(STRING)), json_call(one_input([1, "a"], [1, 2], "BYTES")), "expected a string"),
]


@pytest.mark.parametrize(("of", "asked", "text"), VERSIONS, ids=range(len(VERSIONS)))
def test_what_does_not_fit_the_model_is_refused(of: Facts, asked: Call, text: str) -> None:
    with pytest.raises(RequestInvalid) as caught:
        decode(asked, of)
    assert text in str(caught.value)


def test_a_number_beyond_64_bits_does_not_wrap() -> None:
    body = orjson.dumps(changed(shape=[1, 2])).replace(b"[1,2]", b"[18446744073709551617,2]", 1)
    with pytest.raises(RequestInvalid, match="Unable to parse 'shape' of input 'x'"):
        decode(call(body), facts())


@pytest.mark.parametrize(
    "parameters",
    [{"inputs": [{"name": "x", "parameters": {"shared_memory_region": "r"}}]},
     {**GOOD, "outputs": [{"name": "probs", "parameters": {"shared_memory_region": "r"}}]}],
)  # fmt: skip
def test_shared_memory_is_not_supported(parameters: Any) -> None:
    with pytest.raises(Unsupported) as caught:
        decode(json_call(parameters), facts())
    assert caught.value.status == 501


def test_json_that_is_none_is_refused() -> None:
    for body in (b"", b"{", b'{"inputs": [}', b"\xff", b"[" * 100_000, b'"\\ud800"'):
        with pytest.raises(RequestInvalid, match="failed to parse the request JSON buffer"):
            decode(call(body), facts())


@pytest.mark.parametrize("behind", [b"", EIGHT])
def test_much_json_is_read_as_plain_numbers_or_not_at_all(behind: bytes) -> None:
    rows = MAX_EXACT_BYTES // 4
    header = orjson.dumps(one_input([[1, 2]] * rows + [["a", 2]], [rows + 1, 2]))
    asked = call(header + behind, len(header))
    with pytest.raises(RequestInvalid, match="not made of plain numbers"):
        decode(asked, facts(max_rows=2 * rows))


def test_names_that_are_no_text_are_told_all_the_same() -> None:
    asked = json_call(changed(name="n" * 5000))
    with pytest.raises(RequestInvalid) as caught:
        decode(asked, facts())
    assert len(str(caught.value)) < 200


def test_an_output_that_is_no_text_is_told_of() -> None:
    texts = echoing(STRING, (None, 1))
    outputs = {"y": np.array([[b"\xff"]], object)}
    with pytest.raises(KerasdError, match="ask for it with the parameter binary_data"):
        answer(json_call(one_input(["a"], [1, 1], "BYTES")), facts(texts), outputs)


def test_a_parser_is_of_use_after_a_request_that_was_refused() -> None:
    body = orjson.dumps(changed(name="z"))
    for _ in range(3):
        with pytest.raises(RequestInvalid):
            decode(call(body), facts())
    assert decode(json_call(GOOD), facts()).rows == 1
