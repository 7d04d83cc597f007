"""Compressed bodies: what is undone, what is refused, and how much memory that takes."""

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.base.errors import RequestInvalid
from service.base.http_errors import BodyTooLarge, EncodingUnknown
from service.web.inflate import inflate

BODY = b'{"instances": [[1.0, 2.0]]}' * 20
LIMIT = 100_000
ZIPPED = gzip.compress(BODY, mtime=0)


def raw(body: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(body) + stream.flush()


@given(st.binary(max_size=2000))
def test_what_was_compressed_comes_back(body: bytes) -> None:
    assert inflate(body, b"", LIMIT) == body
    assert inflate(gzip.compress(body, mtime=0), b"gzip", LIMIT) == body
    assert inflate(zlib.compress(body), b"deflate", LIMIT) == body


@pytest.mark.parametrize("encoding", [b"identity", b" GZIP ", b"x-gzip"])
def test_names_are_read_loosely(encoding: bytes) -> None:
    body = BODY if encoding == b"identity" else ZIPPED
    assert inflate(body, encoding, LIMIT) == BODY


def test_members_follow_one_another() -> None:
    assert inflate(ZIPPED + gzip.compress(b"", mtime=0) + ZIPPED, b"gzip", LIMIT) == BODY * 2


@pytest.mark.parametrize(
    "encoding", [b"br", b"zstd", b"gzip, gzip", b"gzip,", b"\xff", b"compress"]
)
def test_other_encodings_are_refused(encoding: bytes) -> None:
    with pytest.raises(EncodingUnknown, match="is not supported; use gzip, deflate or none"):
        inflate(ZIPPED, encoding, LIMIT)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (BODY, b"gzip"),
        (b"", b"gzip"),
        (b"", b"deflate"),
        (ZIPPED[:-1], b"gzip"),
        (ZIPPED[:9], b"gzip"),
        (ZIPPED[:-6] + b"\0\0" + ZIPPED[-4:], b"gzip"),
        (ZIPPED[:-4] + b"\0\0\0\1", b"gzip"),
        (ZIPPED + b"trailing", b"gzip"),
        (ZIPPED + b"\0", b"gzip"),
        (ZIPPED, b"deflate"),
        (zlib.compress(BODY) + b"x", b"deflate"),
        (zlib.compress(BODY)[:-1], b"deflate"),
        (raw(BODY), b"deflate"),
        (gzip.compress(b"", mtime=0) * 1001, b"gzip"),
    ],
)
def test_what_is_damaged_or_goes_on_is_refused(body: bytes, encoding: bytes) -> None:
    with pytest.raises(RequestInvalid) as caught:
        inflate(body, encoding, LIMIT)
    assert caught.value.status == 400


def test_the_limit_counts_all_members_and_is_exact() -> None:
    half = gzip.compress(bytes(LIMIT // 2))
    assert len(inflate(half * 2, b"gzip", LIMIT)) == LIMIT
    with pytest.raises(BodyTooLarge):
        inflate(half * 2 + gzip.compress(b"x", mtime=0), b"gzip", LIMIT)
    with pytest.raises(BodyTooLarge):
        inflate(zlib.compress(bytes(LIMIT + 1)), b"deflate", LIMIT)


def test_a_bomb_takes_no_more_than_the_limit() -> None:
    stream = zlib.compressobj(9, wbits=31)
    bomb = b"".join(stream.compress(bytes(1 << 20)) for _ in range(200)) + stream.flush()
    with pytest.raises(BodyTooLarge):
        assert peak(bomb, 4 << 20) == 0


def test_a_large_body_is_held_once() -> None:
    assert peak(gzip.compress(bytes(8 << 20)), 8 << 20) < 12 << 20


def test_many_members_before_a_long_tail_take_no_time() -> None:
    tail = bytes(30 << 20)
    with pytest.raises(RequestInvalid):
        inflate(gzip.compress(b"", mtime=0) * 900 + tail, b"gzip", 64 << 20)


def peak(body: bytes, limit: int) -> int:
    """Most memory held while a body is inflated; held to the limit even where that fails."""
    tracemalloc.start()
    try:
        inflate(body, b"gzip", limit)
        return tracemalloc.get_traced_memory()[1]
    finally:
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert most < 2 * limit
