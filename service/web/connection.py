"""One client's connection: requests are held back until they are whole, then answered in order."""

import asyncio

from uvicorn.protocols.utils import get_local_addr, get_remote_addr

from service.base.errors import KerasdError, Overloaded
from service.base.http_errors import HeadMalformed, RequestTooSlow, ServiceEnding
from service.web.crowd import FOREVER
from service.web.host import Host
from service.web.last_call import close_unless_asked
from service.web.outflow import Outflow
from service.web.pipeline import MAX_WAITING, Pipeline
from service.web.reading import BODY, HEAD, IDLE, Reader
from service.web.turn import Message, Turn

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
        self._is_shut = self._is_talking = self._is_lingering = False
        self._pipeline = Pipeline()
        self._failure: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the client in, or tell it that there is no room."""
        self._transport = transport  # type: ignore[assignment]
        self._outflow = Outflow(self._transport, self._limits)
        self.write, self.writable = self._outflow.write, self._outflow.writable
        self._reader.client = get_remote_addr(self._transport)
        self._reader.server = get_local_addr(self._transport)
        self._deadline = self._loop.time() + self._limits.head_timeout_s
        if not self._crowd.admit(self, self._loop):
            self._refuse(Overloaded("a connection", self._limits.max_connections))

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever works for this client may stop."""
        self._crowd.forget(self)
        self._shut()
        self._pipeline.leave()
        self._drop_waiting()
        self._outflow.resume()

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
        """The client has closed its side: it has left, or it waits for its answers."""
        is_asking = bool(self._pipeline)
        if self._stage[1] != IDLE:
            self._refuse(HeadMalformed("The request ended before it was complete"))
        elif is_asking:
            self._shut()
            self._pipeline.end_soon(self._is_whole())
        self._pipeline.leave()
        return is_asking

    def pause_writing(self) -> None:
        """The client reads more slowly than it is written to."""
        self._outflow.is_full = True

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._outflow.resume()
        if not self._transport.is_closing():
            self._go_on_answering()

    def look(self, now: float) -> None:
        """End what has taken too long: to be sent here, or to be read there."""
        if now > self._deadline:
            self._expire()
        if self._outflow.is_read_too_slowly(now):
            self._transport.abort()

    def evict(self) -> None:
        """Close at once, to make room."""
        self._crowd.forget(self)
        self._transport.abort()

    def drain(self) -> None:
        """Close after the answer to the last request that is here; idle, after the next one."""
        last = self._pipeline.last
        if last is not None and self._is_whole():
            last.close_after()

    def shutdown(self) -> None:
        """The worker ends: answer what has been asked, and wait for little else."""
        self._crowd.begin_ending(self._loop.time())
        self._pipeline.end_soon(self._is_whole())
        if self._stage[1] == HEAD:
            self._deadline = min(self._deadline, self._loop.time() + self._limits.linger_s)
        elif self._stage[1] == BODY:
            self._deadline = min(self._deadline, self._crowd.bodies_until)
        elif self._is_lingering:
            self._loop.call_later(self._limits.linger_s, self._transport.close)
        elif self._reader.begun:
            self._part()
        else:  # it has come just now, and is about to ask
            self._loop.call_later(self._limits.linger_s / 2, self._part)

    def _part(self) -> None:
        """Leave an idle client. One that asks at this very moment sees an orderly end without an
        answer, not a reset: nothing was done."""
        is_idle = not self._pipeline and self._stage[1] == IDLE and not self._is_shut
        if self._transport.is_closing() or not is_idle:
            return
        if close_unless_asked(self._transport.get_extra_info("socket").fileno()):
            self._linger()
            self._loop.call_later(self._limits.linger_s / 2, self._transport.close)

    def _is_whole(self) -> bool:
        """Whether nothing has come that is to be answered after the whole requests."""
        return self._stage[1] == IDLE and not self._failure

    def pause(self) -> None:
        """Read no further: the disk has not caught up; the time is not the client's."""
        if not self._transport.is_closing():
            self._transport.pause_reading()
        self._paused_at, self._deadline = self._loop.time(), self._crowd.bodies_until

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

    def answered(self, keep_alive: bool) -> None:
        """The turn is over; the next one may begin."""
        turn = self._pipeline.end()
        if turn is not None:
            self._host.finish(turn)
            if turn.held:
                self._crowd.release(turn.held)
        if self._transport.is_closing():
            return
        if not keep_alive:
            self._close()
        elif self._pipeline:
            if not self._outflow.is_full:
                self._go_on_answering()
        elif self._failure:
            self._say()
        else:
            self._crowd.wait(self)
            if self._deadline == FOREVER:
                self._deadline = self._crowd.idle_deadline()

    def _deliver(self, scope: Message, body: bytes, keeps_alive: bool) -> None:
        self._deadline = FOREVER
        self._stage = (0, IDLE)
        self._is_shut = not keeps_alive
        if self._crowd.is_draining:
            self._expect_more()
        turn = Turn(self, scope, body, keeps_alive and not self._crowd.is_draining)
        turn.held, self._held = self._held, 0
        if self._pipeline.is_full:
            self._crowd.release(turn.held)
            turn.release()
            raise Overloaded("the answers before theirs", MAX_WAITING)
        is_first = not self._pipeline
        self._pipeline.add(turn)
        if is_first:
            self._go_on_answering()

    def _go_on_answering(self) -> None:
        turn = self._pipeline.begin()
        if turn is not None:
            self._crowd.serve(self)
            self._host.start(turn)

    def _expect_more(self) -> None:
        """The answer before a request that has begun to come is not the connection's last."""
        last = self._pipeline.last
        if last is not None:
            last.stay_open()

    def _time(self, reader: Reader) -> None:
        """Set the deadline of a head or a body that is only partly here."""
        if self._crowd.is_draining:
            self._expect_more()
        stage = (reader.begun, reader.phase)
        if stage != self._stage:
            self._stage, self._since = stage, self._loop.time()
            if reader.phase == BODY and reader.framing.expects_continue and not self._pipeline:
                self.write([CONTINUE])
        if reader.phase == HEAD:
            limits = self._limits
            within = limits.linger_s if self._crowd.is_ending else limits.head_timeout_s
            self._deadline = self._since + within
            return
        size, held = reader.body_size, reader.body_held
        if not self._paused_at:
            within = self._limits.body_timeout_s + size / self._limits.bytes_per_s
            self._deadline = min(self._since + within, self._crowd.bodies_until)
        if self._crowd.hold(held - self._held):
            self._held = held
        else:
            self._refuse(Overloaded("memory for their bodies", self._limits.max_connections))

    def _expire(self) -> None:
        limits = self._limits
        if self._stage[1] == HEAD:
            self._refuse(RequestTooSlow("head", limits.head_timeout_s))
        elif self._stage[1] == BODY and self._crowd.is_ending:
            self._refuse(ServiceEnding())
        elif self._stage[1] == BODY:
            self._refuse(RequestTooSlow("body", limits.body_timeout_s))
        elif not self._is_lingering:
            self._transport.close()
        elif not self._transport.get_write_buffer_size():  # what is unread has a bound of its own
            self._transport.abort()

    def _refuse(self, error: KerasdError) -> None:
        """Read no further; answer with the error once everything before it is answered."""
        request_id = self._reader.sent(b"x-request-id")
        self._shut()
        self.go_on()
        self._failure = self._host.refuse(error, request_id)
        if self._pipeline:
            self._expect_more()
        else:
            self._say()

    def _say(self) -> None:
        self.write(self._failure)
        self._linger()

    def _shut(self) -> None:
        self._is_shut = True
        self._reader.close()
        self._stage, self._deadline = (0, IDLE), FOREVER
        self._crowd.release(self._held)
        self._held = 0

    def _drop_waiting(self) -> None:
        for turn in self._pipeline.drop():
            self._crowd.release(turn.held)
            turn.release()

    def _close(self) -> None:
        self._drop_waiting()
        if self._is_talking or self._reader.has_more or self._crowd.is_draining:
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
