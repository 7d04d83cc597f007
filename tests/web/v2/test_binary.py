"""Raw tensors behind the JSON: lying sizes, lengths and shapes are refused before they cost."""

import time
from typing import Any

import numpy as np
import orjson
import pytest

from service.base.errors import RequestInvalid
from service.base.signature import STRING, Signature, TensorSpec
from service.web.exchange import Call, Facts
from service.web.v2.binary import write_tensor
from service.web.v2.infer import Infer, _decode_exactly
from service.web.v2.known import MAX_HEADER_BYTES, MAX_HEADERS, know
from tests.web.v2.asking import (
    FLOATS,
    binary_call,
    call,
    decode,
    echoing,
    facts,
    join_texts,
    one_binary,
    split_texts,
)

EIGHT = np.array([1, 2], "<f4").tobytes()
TEXTS = facts(echoing(STRING))
FREE = facts(echoing("float32", (None, None)))
TWO_FREE = facts(echoing("float32", (None, None, None)))
PAIR = Signature((*FLOATS.inputs, TensorSpec("z", "float32", (None,))), FLOATS.outputs)
HUGE = 2**62


def texts(content: bytes) -> Call:
    return binary_call(one_binary(len(content), [1, 2], "BYTES"), content)


def sized(size: Any) -> dict[str, Any]:
    return one_binary(size, [1, 2])


LIES: list[tuple[Facts, Call, str]] = [
    (
        facts(),
        binary_call(sized(8), EIGHT[:5]),
        "unexpected size for input 'x', expecting 3 additional bytes for model 'churn'",
    ),
    (facts(), call(orjson.dumps(sized(8))), "expecting 8 additional bytes for model 'churn'"),
    (
        facts(),
        binary_call(sized(8), EIGHT, b"!"),
        "unexpected additional input data for model 'churn'",
    ),
    (
        facts(),
        binary_call(sized(4), EIGHT[:4]),
        "input byte size mismatch for input 'x' for model 'churn'. Expected 8, got 4",
    ),
    (facts(), binary_call(sized(0)), "Expected 8, got 0"),
    (facts(), binary_call(sized(-1)), "Unable to parse 'binary_data_size' of input 'x'"),
    (facts(), binary_call(sized(8.0), EIGHT), "Unable to parse 'binary_data_size' of input 'x'"),
    (facts(), binary_call(sized(True), EIGHT), "Unable to parse 'binary_data_size' of input 'x'"),
    (facts(), binary_call(sized(2**63), EIGHT), "expecting 9223372036854775800 additional bytes"),
    (
        facts(),
        binary_call(one_binary(8, [1, 2], "BF16"), EIGHT),
        "inference input 'x' data-type is 'BF16', but model 'churn' expects 'FP32'",
    ),
    (FREE, binary_call(one_binary(8, [1, HUGE]), EIGHT), f"Expected {HUGE * 4}, got 8"),
    (
        TWO_FREE,
        binary_call(one_binary(8, [1, HUGE, HUGE]), EIGHT),
        f"Expected {HUGE * HUGE * 4}, got 8",
    ),
    (FREE, binary_call(one_binary(0, [1, 0])), "expected at least one element on every axis"),
    (
        facts(echoing(STRING, (None, None))),
        binary_call(one_binary(8, [1, HUGE], "BYTES"), EIGHT),
        f"expected {HUGE} string elements for inference input 'x' for model 'churn', got fewer",
    ),
    (
        TEXTS,
        texts(join_texts(["a"]) + b"\x01\x00"),
        "incomplete string length indicator for inference input 'x' for model 'churn', "
        "expecting 4 bytes but only 2 bytes available.",
    ),
    (
        TEXTS,
        texts(join_texts(["a"]) + b"\xff\xff\xff\xffabc"),
        "expecting string of length 4294967295 but only 3 bytes available.",
    ),
    (TEXTS, texts(join_texts(["a"])), "expected 2 string elements for inference input 'x'"),
    (TEXTS, texts(join_texts(["a", "b", "c"])), "unexpected number of string elements 3"),
    (TEXTS, texts(join_texts(["a"]) + b"\x01\x00\x00\x00\xff"), "string element 1 of inference"),
    (facts(), call(EIGHT + EIGHT, 0), "input byte size mismatch for input 'x'"),
    (facts(), call(b"", 0), "input byte size mismatch for input 'x'"),
    (FREE, call(EIGHT + b"!", 0), "Expected 8, got 9"),
    (FREE, call(b"!", 0), "Expected 4, got 1"),
    (TWO_FREE, call(EIGHT, 0), "there are more than one variable-sized dimension"),
    (TEXTS, call(b"ab", 0), "the model must have input shape [1]"),
    (facts(PAIR), call(EIGHT, 0), "Raw request must only have 1 input (found 1) to be deduced"),
    (FREE, call(b"\x00\x00\xc0\x7f", 0), "x[0][0]: expected a number"),
]


@pytest.mark.parametrize(("of", "asked", "text"), LIES, ids=range(len(LIES)))
def test_a_lie_is_refused_with_the_reason(of: Facts, asked: Call, text: str) -> None:
    with pytest.raises(RequestInvalid) as caught:
        decode(asked, of)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("length", "text"),
    [
        ("", "Unable to parse Inference-Header-Content-Length, got: "),
        ("1x", "Unable to parse Inference-Header-Content-Length, got: 1x"),
        ("1.5", "Unable to parse Inference-Header-Content-Length, got: 1.5"),
        ("-1", "inference header size should be in range (0, 8), got: -1"),
        ("9", "inference header size should be in range (0, 8), got: 9"),
        ("9" * 5000, "inference header size should be in range (0, 8), got: 999"),
        ("5", "failed to parse the request JSON buffer"),
    ],
)
def test_the_length_of_the_json_is_a_number_within_the_body(length: str, text: str) -> None:
    with pytest.raises(RequestInvalid) as caught:
        decode(call(EIGHT, length), facts())
    assert text in str(caught.value)
    assert len(str(caught.value)) < 200


def test_numbers_are_not_copied_where_they_lie_well() -> None:
    header = orjson.dumps(one_binary(8, [1, 2])).ljust(256)
    body = header + EIGHT
    tensor = decode(call(body, len(header)), facts()).inputs["x"]
    assert np.shares_memory(tensor, np.frombuffer(body, np.uint8))


def test_a_header_that_has_come_before_does_not_excuse_other_data() -> None:
    translator, of = Infer(), facts()
    header = orjson.dumps({**sized(8), "parameters": {"timeout": 1000}})
    for values in ([1, 2], [3, 4]):
        asked = call(header + np.array(values, "<f4").tobytes(), len(header))
        assert translator.decode(asked, of).inputs["x"].tolist() == [values]
        assert asked.deadline < time.monotonic() + 0.01
    for data, text in ((b"", "unexpected size"), (EIGHT + b"!", "unexpected additional")):
        with pytest.raises(RequestInvalid, match=text):
            translator.decode(call(header + data, len(header)), of)
    with pytest.raises(RequestInvalid, match="expected a number"):
        translator.decode(call(header + b"\x00\x00\xc0\x7f" * 2, len(header)), of)
    with pytest.raises(RequestInvalid, match="batch-size must be <= 0"):
        translator.decode(call(header + EIGHT, len(header)), facts(max_rows=0))


def test_headers_are_kept_within_bounds() -> None:
    known = know(facts())
    for number in range(100):
        record = {**sized(8), "id": "n" * (number if number % 2 else 5000)}
        header = orjson.dumps(record)
        _decode_exactly(header + EIGHT, len(header), known)
    assert 0 < len(known._headers) <= MAX_HEADERS
    assert max(map(len, known._headers)) <= MAX_HEADER_BYTES


@pytest.mark.parametrize(
    "array",
    [
        np.array([["é", ""], ["b", "日本"]], object),
        np.array([["é".encode(), b""], [b"b", "日本"]], object),
        np.array([["é", ""], ["b", "日本"]]),
    ],
)
def test_texts_and_bytes_are_written_alike(array: np.ndarray) -> None:
    content, size = write_tensor(array)
    assert len(content) == size
    assert split_texts(content) == ["é", "", "b", "日本"]


def test_a_tensor_is_written_row_major_whatever_its_memory() -> None:
    array = np.arange(6, dtype=np.int32).reshape(2, 3)
    content, size = write_tensor(array.T)
    assert (bytes(content), size) == (np.ascontiguousarray(array.T).tobytes(), 24)
