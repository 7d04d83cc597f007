"""One request and its answer, between the ASGI application and the connection."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any, Protocol

from service.web.answers import error_body

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}
WITHOUT_BODY = (204, 304)
ENDLESS = "kerasd.endless"
"""In the scope of an answer that ends only when its client, or the server, does."""


class Line(Protocol):
    """What a turn needs of its connection."""

    def common_headers(self) -> bytes:
        """What every answer says, the date for one."""
        ...

    def write(self, pieces: list[bytes]) -> None:
        """Send these bytes, or keep them until the client reads."""
        ...

    async def writable(self) -> None:
        """Return when the client has read most of what was sent."""
        ...

    def answered(self, keep_alive: bool) -> None:
        """The turn is over."""
        ...


class Turn:
    """The whole request is here before the application is called; the answer is one write."""

    __slots__ = (
        "_begun", "_body", "_given", "_line", "_waiter", "gone", "held", "keep_alive", "scope",
        "status", "task",
    )  # fmt: skip

    def __init__(self, line: Line, scope: Message, body: bytes, keep_alive: bool) -> None:
        self._line = line
        self._body: bytes | None = body
        self._given: Any = ()
        self._waiter: asyncio.Future[None] | None = None
        self.scope = scope
        self.keep_alive = keep_alive
        self.gone = False
        self.status = 0
        self.task: asyncio.Task[None] | None = None
        self.held = 0
        self._begun: Begun | None = None

    async def run(self, app: App) -> None:
        """Have the application answer; if it fails, say so in its place."""
        try:
            await app(self.scope, self.receive, self.send)
            if self._line is not CLOSED and not self.gone:
                raise RuntimeError("the application returned without a whole answer")
        except Exception as error:
            logger.error("request failed", exc_info=error)
            self._fail()
        finally:
            self._end(False)
            self.release()

    def release(self) -> None:
        """Close a body that lies on the disk; the application is done with it."""
        extensions = self.scope.get("extensions")
        if extensions:
            for body in extensions.values():
                body.close()

    def close_after(self) -> None:
        """Let the answer say that it is the connection's last; unless its head is gone."""
        if self._begun is None:
            self.keep_alive = False

    def stay_open(self) -> None:
        """Another request has come behind it, which is to be answered too."""
        if self._begun is None:
            self.keep_alive = True

    def end_soon(self, is_last: bool) -> None:
        """The server ends, or the client asks no more: the connection too after the last answer,
        and an endless one now."""
        if is_last:
            self.keep_alive = False
        if ENDLESS in self.scope:
            self.leave()

    def leave(self) -> None:
        """The client has closed its side: it is gone, or it may yet read an answer."""
        self.gone = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def receive(self) -> Message:
        """The body, once; after that, that the client has gone or was answered."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        if not self.gone and self._line is not CLOSED:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Part of the answer; silently lost if the connection is."""
        if self._line is CLOSED:
            if self.gone:
                return
            raise RuntimeError("the answer was complete")
        if message["type"] == "http.response.start":
            if self.status:
                raise RuntimeError("the answer has begun")
            self.status, self._given = message["status"], message.get("headers", ())
            return
        if not self.status:
            raise RuntimeError("the answer has no head")
        body = message.get("body", b"")
        if message.get("more_body", False):
            await self._stream(body)
        elif self._begun is None:
            self._write_whole(body)
        else:
            self._begun.check_end(len(body))
            self._line.write(self._begun.frame(body, is_last=True))
            self._end(self.keep_alive)

    def _write_whole(self, body: bytes) -> None:
        head, declared = self._head(self._given)
        if self.status in WITHOUT_BODY:
            pieces = [*head, b"\r\n"]
        else:
            if declared is None:
                head.append(b"content-length: %d\r\n" % len(body))
            elif declared != len(body) and self.scope["method"] != "HEAD":
                raise RuntimeError(f"the answer says {declared} bytes and has {len(body)}")
            pieces = [*head, b"\r\n", body] if self.scope["method"] != "HEAD" else [*head, b"\r\n"]
        self._line.write(pieces)
        self._end(self.keep_alive)

    async def _stream(self, body: bytes) -> None:
        if self._begun is None:
            head, declared = self._head(self._given)
            is_chunked = declared is None and self.scope["http_version"] == "1.1"
            if is_chunked:
                head.append(b"transfer-encoding: chunked\r\n")
            elif declared is None:
                self.keep_alive = False  # the end of the connection ends the answer
            self._begun = Begun(declared, is_chunked, self.scope["method"] == "HEAD")
            self._line.write([*head, b"\r\n"])
        self._begun.count(len(body))
        self._line.write(self._begun.frame(body, is_last=False))
        await self._line.writable()

    def _head(self, given: Any) -> tuple[list[bytes], int | None]:
        """Status and headers without the empty line, and the length that they declare."""
        declared = None
        fields = []
        for name, value in given:
            if name == b"content-length":
                declared = int(value)
            elif name == b"connection":
                self.keep_alive = self.keep_alive and b"close" not in value.lower()
                continue
            fields.append(b"%b: %b\r\n" % (name, value))
        text = b"".join(fields)
        if text.count(b"\n") != len(fields) or text.count(b"\r") != len(fields) or b"\0" in text:
            raise RuntimeError("a header of the answer has a line break")
        if not self.keep_alive:
            text += b"connection: close\r\n"
        line = STATUS_LINES.get(self.status) or b"HTTP/1.1 %d \r\n" % self.status
        return [line, self._line.common_headers(), text], declared

    def _fail(self) -> None:
        if self._line is CLOSED or self._begun is not None:
            return  # too late for another answer: what was sent stays cut off
        self.status, self.keep_alive = 500, False
        self._given = [(b"content-type", b"application/json")]
        self._write_whole(error_body("internal error"))

    def _end(self, keep_alive: bool) -> None:
        line, self._line = self._line, CLOSED
        if line is not CLOSED:
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_result(None)
            line.answered(keep_alive)


class Begun:
    """An answer that goes out in pieces."""

    __slots__ = ("_is_bare", "_is_chunked", "_left")

    def __init__(self, declared: int | None, is_chunked: bool, is_bare: bool) -> None:
        self._left = declared
        self._is_chunked = is_chunked
        self._is_bare = is_bare

    def count(self, size: int) -> None:
        """Raise if more is sent than was declared."""
        if self._left is not None and not self._is_bare:
            self._left -= size
            if self._left < 0:
                raise RuntimeError("the answer is longer than it says")

    def check_end(self, size: int) -> None:
        """Raise unless the last piece makes up exactly what was declared."""
        self.count(size)
        if self._left and not self._is_bare:
            raise RuntimeError("the answer is shorter than it says")

    def frame(self, body: bytes, is_last: bool) -> list[bytes]:
        """The piece as it goes over the wire."""
        if self._is_bare:
            return []
        if not self._is_chunked:
            return [body] if body else []
        pieces = [b"%x\r\n" % len(body), body, b"\r\n"] if body else []
        return [*pieces, b"0\r\n\r\n"] if is_last else pieces


class _Closed:
    """The connection of a turn that is over."""

    def common_headers(self) -> bytes:
        return b""

    def write(self, pieces: list[bytes]) -> None:
        """Nobody is there."""

    async def writable(self) -> None:
        """Nobody to wait for."""

    def answered(self, keep_alive: bool) -> None:
        """It was over before."""


CLOSED: Line = _Closed()
