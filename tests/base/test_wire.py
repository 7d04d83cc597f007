"""Tensors over a local socket arrive as they were sent."""

import socket
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from service.base.signature import DTYPES, STRING, Tensors
from service.base.wire import SOCKET_NAME, pack, socket_address, unpack

NUMERIC = sorted(DTYPES - {STRING})
SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)


def _through(tensors: Tensors) -> tuple[dict[str, Any], Tensors]:
    header, payloads = pack({"artefact": "abc"}, tensors)
    record: dict[str, Any] = orjson.loads(header)
    messages = iter(payloads)
    return record, unpack(record["tensors"], lambda: next(messages))


@pytest.mark.parametrize("dtype", NUMERIC)
@given(data=st.data())
@settings(max_examples=20, database=None)
def test_numbers_arrive_as_sent(dtype: str, data: st.DataObject) -> None:
    sent = data.draw(arrays.arrays(dtype, SHAPES))

    _, received = _through({"x": sent})

    assert received["x"].dtype == sent.dtype
    np.testing.assert_array_equal(received["x"], sent)


@given(sent=arrays.arrays(object, SHAPES, elements=TEXTS))
@settings(max_examples=30, database=None)
def test_texts_arrive_as_sent(sent: np.ndarray) -> None:
    _, received = _through({"x": sent})

    assert received["x"].dtype == object
    assert received["x"].shape == sent.shape
    assert received["x"].tolist() == sent.tolist()


def test_bytes_that_tensorflow_answers_with_arrive_as_text() -> None:
    sent = np.array([b"m\xc3\xbcde", b"\xff"], dtype=object)

    _, received = _through({"x": sent})

    assert received["x"].tolist() == ["müde", "\N{REPLACEMENT CHARACTER}"]


def test_several_tensors_keep_their_names_and_the_header_its_fields() -> None:
    first, second = np.arange(3, dtype="int32"), np.array([["a", "b"]])

    header, received = _through({"first": first, "second": second})

    assert header["artefact"] == "abc"
    assert received["first"].tolist() == [0, 1, 2]
    assert received["second"].tolist() == [["a", "b"]]


def test_a_view_is_sent_by_its_values_not_by_its_memory() -> None:
    view = np.arange(6, dtype="float32").reshape(2, 3).T[:, ::-1]

    _, received = _through({"x": view})

    np.testing.assert_array_equal(received["x"], view)


def test_a_socket_may_lie_deeper_than_the_kernel_takes_paths(tmp_path: Path) -> None:
    run_dir = tmp_path.joinpath(*["a-rather-long-folder-name"] * 6)
    run_dir.mkdir(parents=True)

    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        with socket_address(run_dir) as address:
            server.bind(address)
        server.listen()
        with socket_address(run_dir) as address:
            client.connect(address)

        assert (run_dir / SOCKET_NAME).is_socket()
