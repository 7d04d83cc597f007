"""Answers are cut off the stream of a connection where they end."""

import pytest

from benchmarks.connection import message_of, split
from benchmarks.dialects import Request

ANSWER = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 5\r\nRetry-After: 1\r\n\r\nhello"


def test_a_whole_answer_is_split() -> None:
    headers = {"content-length": "5", "retry-after": "1"}

    assert split(ANSWER) == (429, headers, b"hello")


@pytest.mark.parametrize("length", range(len(ANSWER)))
def test_a_part_of_an_answer_is_waited_for(length: int) -> None:
    assert split(ANSWER[:length]) is None


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK\r\nContent-Length: x", b"?"]
)
def test_an_answer_without_a_length_is_refused(head: bytes) -> None:
    with pytest.raises(ValueError, match="how long"):
        split(head + b"\r\n\r\n")


def test_a_request_is_one_message() -> None:
    message = message_of(Request("/predict", b"{}"), 8080)

    head, _, body = message.partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"POST /predict HTTP/1.1",
        b"Host: 127.0.0.1:8080",
        b"Content-Type: application/json",
        b"Content-Length: 2",
    ]
    assert body == b"{}"
