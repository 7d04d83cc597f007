"""Undoes the compression of a body, never holding more than is allowed."""

import io
import zlib

from service.base.errors import RequestInvalid
from service.base.http_errors import BodyTooLarge, EncodingUnknown

GZIP, ZLIB = 31, 15  # zlib's words for the two wrappings
MEMBERS = 1000
PIECE = 64 * 1024
MOST_AT_ONCE = 1024 * 1024


def inflate(body: bytes, encoding: bytes, max_bytes: int) -> bytes:
    """The body as it was before `encoding`, the value of Content-Encoding or nothing.

    gzip may have several members; deflate has the wrapping that HTTP asks for. Raises
    EncodingUnknown, RequestInvalid for what is damaged or goes on, BodyTooLarge.
    """
    name = encoding.strip().lower()
    if name in (b"", b"identity"):
        return body
    if name in (b"gzip", b"x-gzip"):
        return _gzip(body, max_bytes)
    if name == b"deflate":
        return _deflate(body, max_bytes)
    raise EncodingUnknown(encoding.decode("latin-1"))


def _gzip(body: bytes, max_bytes: int) -> bytes:
    content, at = io.BytesIO(), 0
    for _ in range(MEMBERS):
        at = _member(body, at, GZIP, content, max_bytes)
        if at == len(body):
            return content.getvalue()
    raise RequestInvalid(f"The gzip body has more than {MEMBERS} members")


def _deflate(body: bytes, max_bytes: int) -> bytes:
    content = io.BytesIO()
    if _member(body, 0, ZLIB, content, max_bytes) != len(body):
        raise RequestInvalid("The deflate body goes on after its end")
    return content.getvalue()


def _member(body: bytes, at: int, wrapping: int, content: io.BytesIO, max_bytes: int) -> int:
    """Inflate one stream that begins `at` into `content`; where it ends.

    Goes by pieces of the body: zlib copies what it leaves over, each time.
    """
    stream = zlib.decompressobj(wrapping)
    while not stream.eof:
        piece = body[at : at + PIECE]
        try:
            part = stream.decompress(piece, MOST_AT_ONCE)
        except zlib.error as error:
            raise RequestInvalid("The compressed body is damaged: it can't be inflated") from error
        if not (piece or part or stream.eof):
            raise RequestInvalid("The compressed body ends before its end")
        content.write(part)
        if content.tell() > max_bytes:
            raise BodyTooLarge(max_bytes)
        at += len(piece) - len(stream.unused_data) - len(stream.unconsumed_tail)
    return at
