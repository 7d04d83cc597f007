"""One hostile request and the answers it may get; and how to write one down."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MODEL, INPUT, OUTPUT, WIDTH = "breast-cancer", "features", "malignant", 30
PREDICT = f"/v1/models/{MODEL}:predict"
INFER = f"/v2/models/{MODEL}/infer"

ANSWERED = (200,)
REFUSED = tuple(range(400, 500))
EITHER = ANSWERED + REFUSED  # a matter of taste, but never an error of the server
UNSUPPORTED = (*REFUSED, 501)
CLOSED = 0  # no answer: the connection is closed

Header = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Hostile:
    """What is sent, piece by piece, and the statuses of which the first answer must have one.

    `repeat` is how often the middle one of three pieces is sent; `ends` is how the client leaves
    once it has sent everything: it waits, closes its side, or resets the connection.
    """

    id: str
    family: str
    pieces: tuple[bytes, ...]
    expect: tuple[int, ...] = REFUSED
    answers: int = 1
    repeat: int = 1
    ends: str = "waits"

    def stream(self) -> Iterator[memoryview]:
        """The bytes in the order in which they are sent."""
        for number, piece in enumerate(self.pieces):
            times = self.repeat if number == 1 else 1
            step = max(1, (1 << 18) // max(1, len(piece)))
            while times > 0 and piece:
                yield memoryview(piece * min(step, times))
                times -= step


def head(line: str, *headers: Header | bytes, host: str | None = "localhost") -> bytes:
    """A request line and its headers, with the empty line."""
    parts = [line.encode("latin-1")]
    if host is not None:
        parts.append(f"Host: {host}".encode())
    for header in headers:
        if isinstance(header, bytes):
            parts.append(header)
        else:
            parts.append(f"{header[0]}: {header[1]}".encode("latin-1"))
    return b"\r\n".join(parts) + b"\r\n\r\n"


def post(path: str, body: bytes, *headers: Header | bytes) -> bytes:
    """A whole request that is the last one of its connection."""
    length = ("Content-Length", str(len(body)))
    return head(f"POST {path} HTTP/1.1", length, ("Connection", "close"), *headers) + body


def row(*first: Any) -> list[Any]:
    """One row for the model, beginning with these values."""
    return [*first, *[0.5] * (WIDTH - len(first))]


def instances(*rows: Any, **more: Any) -> bytes:
    """A body with these rows."""
    return json.dumps({"instances": list(rows), **more}).encode()


def raw_row(text: str) -> bytes:
    """A body whose first value is this text as it is."""
    return f'{{"instances": [[{text}, {", ".join(["0.5"] * (WIDTH - 1))}]]}}'.encode()


GOOD = instances(row())
