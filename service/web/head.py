"""What the head of a request may say beyond what the parser lets through: pure checks."""

import re
from typing import NamedTuple
from urllib.parse import unquote

import httptools

from service.base.http_errors import HeadMalformed, HeadTooLarge, MethodNotAllowed

MAX_HEAD_BYTES = 32 * 1024
MAX_FIELD_BYTES = 8190
MAX_FIELDS = 100

VERSIONS = ("1.1", "1.0")
# Two of these would be read in two ways: the first, the last, or both together.
ONCE = frozenset(
    (b"host", b"content-encoding", b"x-request-timeout-ms", b"inference-header-content-length")
)
WATCHED = ONCE | {b"content-length", b"transfer-encoding", b"expect"}
HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%\-]*(?::[0-9]*)?|\[[0-9A-Fa-f:.]+\](?::[0-9]*)?")
LINE = re.compile(rb"[\r\n]*[^\r\n]*?(HTTP/1\.[01])?\r\n")

Fields = list[tuple[bytes, bytes]]


class Framing(NamedTuple):
    """How the body comes: its declared length (0 if chunked), and whether it waits to be asked."""

    length: int
    expects_continue: bool


class Target(NamedTuple):
    """The path with its escapes undone, as it was sent, and what follows the question mark."""

    path: str
    raw_path: bytes
    query: bytes


def check_sizes(url: bytes, fields: Fields) -> None:
    """Raise HeadTooLarge if the line, one header or all together are longer than they may be."""
    longest = max((len(name) + len(value) for name, value in fields), default=0)
    if len(url) > MAX_FIELD_BYTES or longest > MAX_FIELD_BYTES:
        raise HeadTooLarge(f"The request line or a header is longer than {MAX_FIELD_BYTES} bytes")
    if len(url) + sum(len(name) + len(value) + 4 for name, value in fields) > MAX_HEAD_BYTES:
        raise too_large()


def too_large() -> HeadTooLarge:
    """The error for a head that is too long as a whole."""
    return HeadTooLarge(f"The request line and headers are longer than {MAX_HEAD_BYTES} bytes")


def too_many() -> HeadTooLarge:
    """The error for too many headers."""
    return HeadTooLarge(f"The request has more than {MAX_FIELDS} headers")


def read_framing(version: str, fields: Fields) -> Framing:
    """Prove that the body's length can be read in one way only. Raises HeadMalformed.

    The parser has refused odd, repeated and overflowing lengths, and a length beside a coding.
    """
    if version not in VERSIONS:
        raise HeadMalformed("The version must be HTTP/1.1 or HTTP/1.0")
    host: bytes | None = None
    length, expects = 0, False
    watched = [field for field in fields if field[0] in WATCHED]
    _check_once([name for name, _ in watched if name in ONCE])
    for name, value in watched:
        if name == b"host":
            host = value
        elif name in ONCE:
            continue
        elif name == b"content-length":
            length = int(value)
        elif name == b"transfer-encoding":
            if value.lower() != b"chunked" or version == "1.0":
                raise HeadMalformed("The only Transfer-Encoding is 'chunked', and in HTTP/1.1")
        elif value.lower() != b"100-continue":
            raise HeadMalformed("The only expectation that can be met is '100-continue'")
        else:
            expects = version == "1.1"
    if host is None:
        if version == "1.1":
            raise HeadMalformed("A request of HTTP/1.1 needs the header Host")
    elif HOST.fullmatch(host) is None:
        raise HeadMalformed("The Host is neither a name nor an address")
    return Framing(length, expects)


def _check_once(names: list[bytes]) -> None:
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise HeadMalformed(f"The request has more than one {twice.decode().title()}")


def read_target(method: str, url: bytes) -> Target:
    """Take the request's target apart. Raises HeadMalformed or MethodNotAllowed."""
    if method == "CONNECT":
        raise MethodNotAllowed(method, url.decode("ascii", "replace")[:80])
    if url.startswith(b"/"):
        raw_path, _, query = url.partition(b"?")
    elif url == b"*" and method == "OPTIONS":
        raw_path, query = url, b""
    else:
        raw_path, query = _absolute(url)
    if b"#" in url:
        raise HeadMalformed("The request's target has a fragment")
    path = raw_path.decode("ascii")
    return Target(unquote(path) if "%" in path else path, raw_path, query)


def names_version(begun: bytes) -> bool:
    """False if the request line is complete and names no version that is spoken here."""
    line = LINE.match(begun)
    return line is None or line[1] is not None


def _absolute(url: bytes) -> tuple[bytes, bytes]:
    """Path and query of a whole address; whose address it is doesn't matter here."""
    try:
        parsed = httptools.parse_url(url)
    except httptools.HttpParserInvalidURLError as error:
        raise HeadMalformed("The request's target can't be read") from error
    if parsed.schema not in (b"http", b"https"):
        raise HeadMalformed("The request's target is neither a path nor an address of HTTP")
    return parsed.path or b"/", parsed.query or b""
