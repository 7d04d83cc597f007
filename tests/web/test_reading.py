"""What a reader takes of a body that never ends: its chunks and trailers, fed piece by piece."""

import pytest

from service.base.http_errors import HeadMalformed
from service.web.head import MAX_HEAD_BYTES
from service.web.reading import Reader
from service.web.turn import Message

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK = b"3\r\nabc\r\n"
PIECE = b"a" * 1024


class Heard:
    """A reader, and the bodies that it has delivered."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.reader = Reader(10**8, self._deliver, lambda _: None)

    def _deliver(self, _scope: Message, body: bytes, _keeps: bool) -> None:
        self.bodies.append(body)

    def feed(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.reader.feed(piece)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.mark.parametrize("before", [b"0\r\nX-T: ", b"0\r\n", b"3;x=", b"3\r\nabc\r\n0\r\nX-T: "])
def test_what_is_around_a_body_is_limited(heard: Heard, before: bytes) -> None:
    """However large the body was: the parser keeps a trailer whole, and copies it each time."""
    heard.feed(HEAD, *[b"100000\r\n" + bytes(1 << 20) + b"\r\n"] * 10, before)

    with pytest.raises(HeadMalformed):
        heard.feed(*[PIECE] * (MAX_HEAD_BYTES // len(PIECE) + 1))

    assert heard.bodies == []


def test_many_small_trailers_are_limited_too(heard: Heard) -> None:
    heard.feed(HEAD, CHUNK, b"0\r\n")

    with pytest.raises(HeadMalformed):
        heard.feed(*[b"X-T: " + PIECE + b"\r\n"] * 40)


def test_trailers_are_dropped_and_the_next_request_read(heard: Heard) -> None:
    trailers = b"0\r\n" + b"X-T: " + PIECE + b"\r\n"
    whole = [HEAD, CHUNK, trailers, b"\r\n"]

    for _ in range(50):
        heard.feed(*whole)

    assert heard.bodies == [b"abc"] * 50


def test_a_body_in_many_pieces_may_be_long(heard: Heard) -> None:
    heard.feed(HEAD, *[b"400\r\n", PIECE + b"\r\n"] * 200, b"0\r\n\r\n")

    assert heard.bodies == [PIECE * 200]
