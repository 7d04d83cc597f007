"""Compressed answers: who gets one, and that nothing else of the answer changes."""

import gzip
import random
import zlib

import pytest

from service.web.exchange import Reply
from service.web.v2.compression import MIN_BYTES, choose_encoding, compress

LONG = Reply(b"[0.25,0.5]" * 500, "application/octet-stream", (("A", "b"),))


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip", "gzip"),
        ("deflate", "deflate"),
        ("deflate, gzip", "deflate"),
        ("gzip;q=0.5, deflate;q=0.8", "deflate"),
        ("GZIP ; Q=0.5", "gzip"),
        ("identity;q=0.6, gzip;q=0.5", "identity"),
        ("gzip;q=0", "identity"),
        ("gzip;q=0.000", "identity"),
        ("br, zstd, *", "identity"),
        ("gzip;q=many, deflate;q=1e9", "identity"),
        ("gzip;q=nan", "identity"),
        ("gzip;q=", "identity"),
        ("", "identity"),
        (";;;,,,;q=1", "identity"),
        ("x," * 10_000 + "gzip", "identity"),
    ],
)
def test_the_heaviest_encoding_that_is_known_wins(accepted: str, encoding: str) -> None:
    assert choose_encoding(accepted) == encoding


def test_gzip_and_deflate_are_undone_by_their_readers() -> None:
    for name, undo in (("gzip", gzip.decompress), ("deflate", zlib.decompress)):
        reply = compress({b"accept-encoding": name.encode()}, LONG)
        assert undo(reply.content) == LONG.content
        assert len(reply.content) < len(LONG.content) / 10
        assert reply.content_type == LONG.content_type
        assert reply.headers == (
            ("A", "b"), ("Vary", "Accept-Encoding"), ("Content-Encoding", name),
        )  # fmt: skip


def test_who_does_not_ask_gets_the_answer_as_it_is() -> None:
    assert compress({}, LONG) is LONG
    assert compress({b"accept-encoding": b"identity"}, LONG).content is LONG.content


def test_short_answers_are_left_alone() -> None:
    short = Reply(b"0" * (MIN_BYTES - 1))
    assert compress({b"accept-encoding": b"gzip"}, short) is short


def test_what_does_not_become_smaller_is_left_alone() -> None:
    noise = Reply(random.Random(0).randbytes(5000))
    reply = compress({b"accept-encoding": b"gzip"}, noise)
    assert reply.content == noise.content
    assert reply.headers == (("Vary", "Accept-Encoding"),)
