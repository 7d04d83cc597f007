"""Reads whole requests off one connection: the parser's calls, and the limits they keep."""

import logging
from collections.abc import Callable
from typing import Any

import httptools

from service.base.errors import KerasdError, Overloaded
from service.base.http_errors import BodyTooLarge, HeadMalformed
from service.web import head
from service.web.pieces import Body, Pieces
from service.web.turn import Message

logger = logging.getLogger(__name__)

IDLE, HEAD, BODY, LAST = range(4)  # what comes next; after the last request, nothing


class Reader:
    """`deliver` gets each request once all of it is here: its scope, its body, and whether the
    client may ask again on this connection. `phase`, `begun` (requests so far) and `body_size`
    say how far the next one is; `has_more` that something came after the last. `open_body` may
    give a request a body that isn't kept in memory, or refuse it before any of its body is read.
    """

    def __init__(
        self,
        max_body: int,
        deliver: Callable[[Message, bytes, bool], None],
        open_body: Callable[[Message], Body | None],
    ) -> None:
        self.phase = IDLE
        self.begun = 0
        self.framing = head.Framing(0, False)
        self.client: Any = None
        self.server: Any = None
        self._max_body = max_body
        self._deliver = deliver
        self._open_body = open_body
        self._parser: Any = httptools.HttpRequestParser(self)
        self._read_bytes = self._head_bytes = self._empty_bytes = 0
        self._url = b""
        self._fields: head.Fields = []
        self._scope: Message = {}
        self._body: Body = Pieces(0)
        self._keeps_alive = self._is_upgrade = False
        self.has_more = False

    @property
    def body_size(self) -> int:
        """Bytes of an unfinished body that came."""
        return self._body.size

    @property
    def body_held(self) -> int:
        """Bytes of it that are in memory."""
        return self._body.held

    def sent(self, name: bytes) -> str:
        """A header of the request that is being read, if it is here already."""
        fields = self._scope["headers"] if self.phase == BODY else self._fields
        return next((value.decode("latin-1") for known, value in fields if known == name), "")

    def close(self) -> None:
        """Let go of the parser, which holds this reader, and of what was read."""
        self._parser = None
        self._body.close()
        self._body = Pieces(0)
        self.phase = LAST

    def feed(self, data: bytes) -> None:
        """Read on. Raises one of our errors for what can't or mustn't be read."""
        before, begun, size = self.phase, self.begun, self._body.size
        self._read_bytes = len(data)
        rest = data
        while rest:
            try:
                self._parser.feed_data(rest)
                break
            except httptools.HttpParserUpgrade as upgrade:
                rest = rest[upgrade.args[0] :]
                self._pass_over_upgrade()
            except httptools.HttpParserError as error:
                if self.phase != LAST or isinstance(error.__context__, Overloaded):
                    raise _explain(error) from error
                self.has_more = True  # after a request that was to be the last
                break
        if self.phase == HEAD:
            is_same = before == HEAD and begun == self.begun
            is_alone = before == IDLE and begun + 1 == self.begun
            self._check_begun_head(data, is_same, is_alone)
        elif self.phase == BODY:
            if before == BODY and begun == self.begun:
                self._check_begun_body(len(data), self._body.size > size)
            else:
                self._empty_bytes = 0

    def on_message_begin(self) -> None:
        """A request begins."""
        if self.phase == LAST:
            raise HeadMalformed("The request before this one was the last")
        self.begun += 1
        self.phase = HEAD
        self._head_bytes = 0
        self._url = b""
        self._fields = []

    def on_url(self, url: bytes) -> None:
        """A part of its target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; or after the body a trailer, which is counted and dropped."""
        if len(self._fields) == head.MAX_FIELDS:
            raise head.too_many()
        self._fields.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head is here: refuse what can be refused before the body comes."""
        fields, parser = self._fields, self._parser
        if self._head_bytes or self._read_bytes > head.MAX_FIELD_BYTES:
            head.check_sizes(self._url, fields)
        version, method = parser.get_http_version(), parser.get_method().decode()
        target = head.read_target(method, self._url)
        self.framing = head.read_framing(version, fields)
        self._keeps_alive = version == "1.1" and parser.should_keep_alive()
        self._is_upgrade = parser.should_upgrade()
        self._scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": version,
            "method": method,
            "scheme": "http",
            "path": target.path,
            "raw_path": target.raw_path,
            "query_string": target.query,
            "root_path": "",
            "headers": fields,
            "client": self.client,
            "server": self.server,
        }
        self._body = self._open_body(self._scope) or self._in_memory()
        self._fields = []
        self.phase = BODY

    def on_body(self, piece: bytes) -> None:
        """A part of the body."""
        if not self._body.add(piece):
            raise BodyTooLarge(self._max_body)

    def on_message_complete(self) -> None:
        """The whole request is here."""
        if self._is_upgrade:
            return
        self.phase = IDLE if self._keeps_alive else LAST
        body, self._body = self._body.take(), Pieces(0)
        self._deliver(self._scope, body, self._keeps_alive)

    def _in_memory(self) -> Body:
        if self.framing.length > self._max_body:
            raise BodyTooLarge(self._max_body)
        return Pieces(self._max_body)

    def restart(self) -> None:
        """Read the next request from its beginning."""
        self._parser = httptools.HttpRequestParser(self)

    def _pass_over_upgrade(self) -> None:
        """Ignore the wish for another protocol: the parser has stopped before the body."""
        self._is_upgrade = False
        self.restart()
        names = {name for name, _ in self._scope["headers"]}
        if b"transfer-encoding" in names:
            framing = b"transfer-encoding: chunked"
        elif self.framing.length:
            framing = b"content-length: %d" % self.framing.length
        else:
            self.on_message_complete()
            return
        self._parser = httptools.HttpRequestParser(_BodyOnly(self))
        self._parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n\r\n" % framing)

    def _check_begun_head(self, data: bytes, is_same: bool, is_alone: bool) -> None:
        """Limit a head that isn't here as a whole; how much of `data` is its own isn't known
        where it came together with the end of another request."""
        if is_same or is_alone:
            self._head_bytes += len(data)
        else:
            self._head_bytes = 1
        if self._head_bytes > head.MAX_HEAD_BYTES:
            raise head.too_large()
        if is_alone and not head.names_version(data):
            raise HeadMalformed("The request line names no version of HTTP")

    def _check_begun_body(self, more: int, has_grown: bool) -> None:
        """Limit what isn't body: chunk extensions, and trailers, which the parser keeps whole."""
        if self._body.is_wrapped_thickly(more):
            raise HeadMalformed("The chunks of the body have more around them than in them")
        self._empty_bytes = 0 if has_grown else self._empty_bytes + more
        if self._empty_bytes > head.MAX_HEAD_BYTES:
            raise HeadMalformed(
                f"A chunk's line, or what follows the body, is longer than {head.MAX_HEAD_BYTES} "
                "bytes"
            )


class _BodyOnly:
    """Takes a body whose head has been read already, and nothing after it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._has_begun = False
        self.on_body = reader.on_body

    def on_message_begin(self) -> None:
        if self._has_begun:
            raise HeadMalformed("A request that asked for an upgrade was followed too soon")
        self._has_begun = True

    def on_message_complete(self) -> None:
        self._reader.restart()
        self._reader.on_message_complete()


def _explain(error: httptools.HttpParserError) -> KerasdError:
    """Why the parser has stopped: one of the checks above, or what it found itself."""
    cause = error.__context__
    if isinstance(cause, KerasdError):
        return cause
    if isinstance(cause, MemoryError):
        return Overloaded("memory", 1)
    if cause is not None:  # a fault of ours, not of the request
        logger.error("request not read", exc_info=cause)
    why = str(error.args[0])[:80] if error.args else "it can't be read"
    return HeadMalformed(f"The request is not HTTP/1.1: {why}")
