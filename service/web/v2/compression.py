"""Compression of answers for clients that ask for it, where there is enough to compress."""

import gzip
import zlib
from collections.abc import Callable
from dataclasses import replace

from service.web.exchange import Headers, Reply

ACCEPT_ENCODING = b"accept-encoding"
MIN_BYTES = 1024
LEVEL = 1  # the answers are numbers: more work makes them hardly smaller
IDENTITY = "identity"
MAX_ENCODINGS = 16


def compress(headers: Headers, reply: Reply) -> Reply:
    """The reply, compressed if the request's headers ask for it and it makes the reply smaller.

    The length of an answer's JSON header goes on counting bytes before compression.
    """
    accepted = headers.get(ACCEPT_ENCODING)
    if accepted is None or len(reply.content) < MIN_BYTES:
        return reply
    encoding = choose_encoding(accepted.decode("latin-1"))
    varies = (*reply.headers, ("Vary", "Accept-Encoding"))
    if encoding == IDENTITY:
        return replace(reply, headers=varies)
    content = COMPRESSORS[encoding](reply.content)
    if len(content) >= len(reply.content):
        return replace(reply, headers=varies)
    return Reply(content, reply.content_type, (*varies, ("Content-Encoding", encoding)))


def choose_encoding(accepted: str) -> str:
    """The one of gzip, deflate and identity with the highest weight; the first of equals."""
    best, heaviest = IDENTITY, 0.0
    for item in accepted.split(",", MAX_ENCODINGS)[:MAX_ENCODINGS]:
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        weight = _weight(parameters)
        if (name in COMPRESSORS or name == IDENTITY) and weight > heaviest:
            best, heaviest = name, weight
    return best


def _weight(parameters: list[str]) -> float:
    """What `q=` says, 1 without it; 0 for whatever is no weight."""
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            digits = value.strip().replace(".", "", 1)
            is_number = digits.isascii() and digits.isdigit() and len(digits) <= 4
            return min(float(value), 1.0) if is_number else 0.0
    return 1.0


def _gzip(content: bytes) -> bytes:
    return gzip.compress(content, LEVEL, mtime=0)


def _deflate(content: bytes) -> bytes:
    return zlib.compress(content, LEVEL)


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {"gzip": _gzip, "deflate": _deflate}
