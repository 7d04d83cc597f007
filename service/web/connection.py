"""One client's connection: requests are held back until they are whole, then answered in order."""

import asyncio
from collections import deque

from uvicorn.protocols.utils import get_local_addr, get_remote_addr

from service.base.errors import KerasdError, Overloaded
from service.base.http_errors import HeadMalformed, RequestTooSlow
from service.web.answers import JSON, error_body, explain
from service.web.host import Host
from service.web.reading import BODY, HEAD, IDLE, Reader
from service.web.turn import STATUS_LINES, Message, Turn

MAX_PIPELINED = 128
APART_BYTES = 64 * 1024  # a longer answer is not copied together with its head
FOREVER = float("inf")
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(asyncio.Protocol):
    """A slow client costs a connection only: nothing is started before all of a request is here.

    A request that can't be read is answered after the ones before it; then the connection is
    kept for a moment and what still comes is thrown away, so that the client sees the answer.
    """

    def __init__(self, host: Host, loop: asyncio.AbstractEventLoop) -> None:
        self._host, self._loop = host, loop
        self._crowd = crowd = host.crowd
        self._limits = crowd.limits
        self.common_headers = host.common_headers
        self._reader = Reader(
            crowd.limits.max_body_bytes, self._deliver, lambda scope: host.open_body(scope, self)
        )
        self._transport: asyncio.Transport = None  # type: ignore[assignment]
        self._deadline = FOREVER
        self._stage = (0, IDLE)
        self._since = self._paused_at = 0.0
        self._held = 0
        self._is_shut = self._is_talking = self._is_lingering = self._is_full = False
        self._turn: Turn | None = None
        self._queue: deque[Turn] = deque()
        self._failure: KerasdError | None = None
        self._written = 0
        self._unread: tuple[float, int] | None = None
        self._drained: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the client in, or tell it that there is no room."""
        self._transport = transport  # type: ignore[assignment]
        self._reader.client = get_remote_addr(self._transport)
        self._reader.server = get_local_addr(self._transport)
        self._deadline = self._loop.time() + self._limits.head_timeout_s
        if not self._crowd.admit(self, self._loop):
            self._refuse(Overloaded("a connection", self._limits.max_connections))

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever works for this client may stop."""
        self._crowd.forget(self)
        self._shut()
        self._leave()
        self._drop_queue()
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        """Read on; `_deliver` gets what is complete."""
        if self._is_shut:
            self._is_talking = True
            return
        reader = self._reader
        try:
            reader.feed(data)
        except KerasdError as error:
            self._refuse(error)
            return
        if reader.phase == HEAD or reader.phase == BODY:
            self._time(reader)

    def eof_received(self) -> bool:
        """The client has closed its side: it has left, or it waits for its answer."""
        if self._turn is not None:
            self._shut()
            self._close_last()
            self._leave()
            return True
        if self._stage[1] != IDLE:
            self._refuse(HeadMalformed("The request ended before it was complete"))
        return False

    def pause_writing(self) -> None:
        """The client reads more slowly than it is written to."""
        self._is_full = True

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._is_full = False
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        if self._turn is None and self._queue:
            self._serve(self._queue.popleft())

    def look(self, now: float) -> None:
        """End what has taken too long: to be sent here, or to be read there."""
        if now > self._deadline:
            self._expire()
        unsent = self._transport.get_write_buffer_size()
        if not unsent:
            self._unread = None
        elif self._unread is None:
            within = self._limits.body_timeout_s + unsent / self._limits.bytes_per_s
            self._unread = (now + within, self._written)
        else:
            deadline, written = self._unread
            if now > deadline + (self._written - written) / self._limits.bytes_per_s:
                self._transport.abort()

    def evict(self) -> None:
        """Close at once, to make room."""
        self._crowd.forget(self)
        self._transport.abort()

    def shutdown(self) -> None:
        """Close when what has been asked is answered; now, if nothing was."""
        self._crowd.is_stopping = True
        self._close_last()

    def _close_last(self) -> None:
        last = self._queue[-1] if self._queue else self._turn
        if last is not None:
            last.end_soon()
        elif self._stage[1] == IDLE:
            self._transport.close()
        else:
            self._deadline = min(self._deadline, self._loop.time() + self._limits.linger_s)

    def write(self, pieces: list[bytes]) -> None:
        """Send these bytes, or keep them until the client reads."""
        if self._transport.is_closing() or not pieces:
            return
        if len(pieces[-1]) > APART_BYTES:
            self._written += len(pieces[-1])
            self._transport.writelines(pieces)
        else:
            whole = b"".join(pieces)
            self._written += len(whole)
            self._transport.write(whole)

    def pause(self) -> None:
        """Read no further: the disk has not caught up; the time is not the client's."""
        if not self._transport.is_closing():
            self._transport.pause_reading()
        self._paused_at, self._deadline = self._loop.time(), FOREVER

    def go_on(self) -> None:
        """Read again."""
        if not self._paused_at:
            return
        self._since += self._loop.time() - self._paused_at
        self._paused_at = 0.0
        if not self._transport.is_closing():
            self._transport.resume_reading()
        if self._reader.phase == BODY:
            self._time(self._reader)

    def fail(self, error: KerasdError) -> None:
        """The body that is coming in can't be taken."""
        if not self._is_shut:
            self._refuse(error)

    async def writable(self) -> None:
        """Return when the client has read most of what was sent."""
        while self._is_full and not self._transport.is_closing():
            self._drained = self._loop.create_future()
            await self._drained

    def answered(self, keep_alive: bool) -> None:
        """The turn is over; the next one may begin."""
        turn, self._turn = self._turn, None
        if turn is not None:
            self._host.finish(turn)
            if turn.held:
                self._crowd.release(turn.held)
        if self._transport.is_closing():
            return
        if not keep_alive:
            self._close()
        elif self._queue:
            if not self._is_full:
                self._serve(self._queue.popleft())
        elif self._failure is not None:
            self._say(self._failure)
        else:
            self._crowd.wait(self)
            if self._deadline == FOREVER:
                self._deadline = self._crowd.idle_deadline()

    def _deliver(self, scope: Message, body: bytes, keeps_alive: bool) -> None:
        self._deadline = FOREVER
        self._stage = (0, IDLE)
        self._is_shut = not keeps_alive
        turn = Turn(self, scope, body, keeps_alive and not self._crowd.is_stopping)
        turn.held, self._held = self._held, 0
        if self._turn is None and not self._queue:
            self._serve(turn)
        elif len(self._queue) == MAX_PIPELINED:
            self._crowd.release(turn.held)
            turn.release()
            raise Overloaded("the answers before theirs", MAX_PIPELINED)
        else:
            self._queue.append(turn)

    def _serve(self, turn: Turn) -> None:
        self._crowd.serve(self)
        self._turn = turn
        self._host.start(turn)

    def _time(self, reader: Reader) -> None:
        """Set the deadline of a head or a body that is only partly here."""
        if self._crowd.is_stopping and self._deadline != FOREVER:
            return
        stage = (reader.begun, reader.phase)
        if stage != self._stage:
            self._stage, self._since = stage, self._loop.time()
            if reader.phase == BODY and reader.framing.expects_continue and self._turn is None:
                self.write([CONTINUE])
        if reader.phase == HEAD:
            self._deadline = self._since + self._limits.head_timeout_s
            return
        size, held = reader.body_size, reader.body_held
        if not self._paused_at:
            within = self._limits.body_timeout_s + size / self._limits.bytes_per_s
            self._deadline = self._since + within
        if self._crowd.hold(held - self._held):
            self._held = held
        else:
            self._refuse(Overloaded("memory for their bodies", self._limits.max_connections))

    def _expire(self) -> None:
        limits = self._limits
        if self._stage[1] == HEAD:
            self._refuse(RequestTooSlow("head", limits.head_timeout_s))
        elif self._stage[1] == BODY:
            self._refuse(RequestTooSlow("body", limits.body_timeout_s))
        elif self._is_lingering:
            self._transport.abort()
        else:
            self._transport.close()

    def _refuse(self, error: KerasdError) -> None:
        """Read no further; answer with the error once everything before it is answered."""
        self._shut()
        self.go_on()
        self._failure = error
        if self._turn is None:
            self._say(error)

    def _say(self, error: KerasdError) -> None:
        self._crowd.count_refused(error.status)
        status, text, named = explain(error)
        body = error_body(text)
        fields = "".join(f"{name.lower()}: {value}\r\n" for name, value in named.items())
        fields += (
            f"content-type: {JSON}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.write([STATUS_LINES[status], self.common_headers(), fields.encode(), body])
        self._linger()

    def _shut(self) -> None:
        self._is_shut = True
        self._reader.close()
        self._stage, self._deadline = (0, IDLE), FOREVER
        self._crowd.release(self._held)
        self._held = 0

    def _leave(self) -> None:
        for turn in (self._turn, *self._queue):
            if turn is not None:
                turn.leave()

    def _drop_queue(self) -> None:
        for turn in self._queue:
            self._crowd.release(turn.held)
            turn.release()
        self._queue.clear()

    def _close(self) -> None:
        self._drop_queue()
        if self._is_talking or self._reader.has_more:
            self._linger()
        else:
            self._transport.close()

    def _linger(self) -> None:
        """Close our side; the other one follows, or the sweep ends it."""
        self._is_lingering = self._is_shut = True
        self._deadline = self._loop.time() + self._limits.linger_s
        self._crowd.wait(self)
        if not self._transport.is_closing():
            self._transport.write_eof()
