"""Requests are what each server takes, and answers become arrays."""

import io
import json

import numpy as np
import pytest

from benchmarks import dialects
from benchmarks.dialects import HEAD_LENGTH, V1, V2_BINARY, V2_JSON
from benchmarks.models import LSTM, MLP

ROWS = np.round(np.random.default_rng(0).random((2, *LSTM.shape)), 4).astype(np.float32)
NUMBERS = np.arange(20, dtype=np.float32).reshape(2, 10)


def test_v1_nests_rows_exactly() -> None:
    request = V1.ask(LSTM, ROWS)

    assert request.path == "/v1/models/lstm:predict"
    sent = np.array(json.loads(request.body)["instances"], np.float32)
    np.testing.assert_array_equal(sent, ROWS)
    assert V1.read({}, b'{"predictions": [[1, 2]]}') == [[1, 2]]


def test_v2_in_json_is_flat_with_a_shape() -> None:
    tensor = json.loads(V2_JSON.ask(LSTM, ROWS).body)["inputs"][0]

    assert tensor["shape"] == [2, 50, 16]
    np.testing.assert_array_equal(np.array(tensor["data"], np.float32), ROWS.ravel())
    answer = {"outputs": [{"name": "y", "shape": [2, 10], "data": NUMBERS.ravel().tolist()}]}
    np.testing.assert_array_equal(V2_JSON.read({}, json.dumps(answer).encode()), NUMBERS)


def test_v2_in_binary_says_how_long_its_head_is() -> None:
    request = V2_BINARY.ask(MLP, NUMBERS)

    length = int(request.headers[HEAD_LENGTH])
    head = json.loads(request.body[:length])
    assert head["inputs"][0]["parameters"] == {"binary_data_size": 80}
    assert head["outputs"] == [{"name": "y", "parameters": {"binary_data": True}}]
    assert request.body[length:] == NUMBERS.tobytes()


def test_a_v2_answer_in_binary_may_have_more_behind_it() -> None:
    first = {"name": "y", "shape": [2, 10], "parameters": {"binary_data_size": 80}}
    head = json.dumps({"outputs": [first]}).encode()

    read = V2_BINARY.read({HEAD_LENGTH.lower(): str(len(head))}, head + NUMBERS.tobytes() + b"more")

    np.testing.assert_array_equal(read, NUMBERS)


def test_npy_goes_both_ways() -> None:
    dialect = dialects.npy("/inference")

    request = dialect.ask(MLP, NUMBERS)

    np.testing.assert_array_equal(np.load(io.BytesIO(request.body)), NUMBERS)
    np.testing.assert_array_equal(dialect.read({}, request.body), NUMBERS)


def test_a_file_is_uploaded_between_boundaries() -> None:
    request = dialects.multipart("/predict", "file", "output").ask(MLP, NUMBERS)

    boundary = request.headers["Content-Type"].partition("boundary=")[2].encode()
    _, part, end = request.body.split(b"--" + boundary)
    assert part.partition(b"\r\n\r\n")[2] == NUMBERS.tobytes() + b"\r\n"
    assert end == b"--\r\n"


@pytest.mark.parametrize("body", [b"", b"[1]", b"{}", b'{"predictions"'])
def test_nonsense_is_no_answer(body: bytes) -> None:
    with pytest.raises((LookupError, ValueError, TypeError)):
        V1.read({}, body)
