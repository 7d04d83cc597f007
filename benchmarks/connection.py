"""One kept-alive connection that asks one thing at a time and times the answer."""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from benchmarks.dialects import Headers, Request

HEAD_END = b"\r\n\r\n"
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and after how long."""

    status: int
    headers: Headers
    body: bytes
    took_s: float


Done = Callable[["Connection", Answer | None], None]


class Connection(asyncio.Protocol):
    """A client's end; `done` is told of each answer, or of none where the connection broke."""

    def __init__(self, done: Done) -> None:
        self._done = done
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._asked_at: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have all that one of asyncio has, without saying so.
        self._transport = cast(asyncio.Transport, transport)

    def ask(self, message: bytes) -> None:
        """Send a request; the one before has been answered."""
        assert self._transport is not None
        self._asked_at = time.perf_counter()
        self._transport.write(message)

    def data_received(self, data: bytes) -> None:
        self._received += data
        parts = split(self._received)
        if parts is None or self._asked_at is None:
            return
        took_s = time.perf_counter() - self._asked_at
        self._received, self._asked_at = b"", None
        self._done(self, Answer(*parts, took_s))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._asked_at is not None:
            self._asked_at = None
            self._done(self, None)

    @property
    def is_open(self) -> bool:
        """False once either side has closed."""
        return self._transport is not None and not self._transport.is_closing()

    def close(self) -> None:
        """Hang up; nobody is told."""
        self._asked_at = None
        if self._transport is not None:
            self._transport.abort()


def message_of(request: Request, port: int) -> bytes:
    """The request as it goes over the wire."""
    lines = [f"POST {request.path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    lines += [f"Content-Length: {len(request.body)}", "", ""]
    return "\r\n".join(lines).encode() + request.body


def split(received: bytes) -> tuple[int, Headers, bytes] | None:
    """Status, headers and body of a whole answer; none while some of it is missing.

    Raises ValueError where it does not say how long it is.
    """
    head, end, body = received.partition(HEAD_END)
    if not end:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    status = STATUS.match(first.encode("latin-1"))
    fields = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in fields}
    if status is None or not headers.get("content-length", "").isdigit():
        raise ValueError(f"an answer that does not say how long it is: {head[:200]!r}")
    length = int(headers["content-length"])
    return (int(status[1]), headers, body[:length]) if len(body) >= length else None
