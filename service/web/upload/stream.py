"""An upload's body on its way from the event loop to the disk, which may be slower or full."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Protocol

from service.base.errors import KerasdError
from service.base.http_errors import UploadTooLarge
from service.web.host import Inflow
from service.web.pieces import Pieces, is_wrapped_thickly
from service.web.turn import Message
from service.web.upload.intake import AT_ONCE
from service.web.upload.receiver import Received, Receiver, Rules

logger = logging.getLogger(__name__)

EXTENSION = "kerasd.upload"
"""Where in an ASGI scope the stream stands, in `extensions`."""
PAUSE_AT = 2 * 1024**2
GO_ON_AT = 512 * 1024
MOST_AHEAD = 64 * 1024**2  # far above what one read of a socket brings after a pause


class Taking(Protocol):
    """Decides by their heads which uploads of one kind are taken, and who takes their bodies."""

    rules: Rules

    def takes(self, method: str, path: str) -> bool:
        """True for a request of its kind; quick."""
        ...

    def begin(self, path: str, query: str, headers: Mapping[str, str]) -> Receiver:
        """Who takes the body of this request. Raises its refusal."""
        ...


class Streams:
    """What the edge asks for the bodies of uploads; its threads end with the process."""

    def __init__(self, *intakes: Taking) -> None:
        self._intakes = intakes
        self._threads = ThreadPoolExecutor(AT_ONCE, "upload")

    def is_upload(self, scope: Message) -> bool:
        """True for a request whose body goes to the disk."""
        method, path = scope["method"], scope["path"]
        return method == "POST" and any(one.takes(method, path) for one in self._intakes)

    def open(self, scope: Message, line: Inflow, admit: Callable[[Message], None]) -> "Stream":
        """Where the body of this request goes; the application finds it in the scope."""
        admit(scope)
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        query = scope["query_string"].decode("latin-1")
        intake = next(one for one in self._intakes if one.takes(scope["method"], scope["path"]))
        receiver = intake.begin(scope["path"], query, headers)
        stream = Stream(receiver, intake.rules, self._threads, line)
        scope["extensions"] = {EXTENSION: stream}
        return stream


class Stream:
    """Stands where a body in memory would; only `finish` belongs to another thread.

    One write at a time is in a thread. What comes meanwhile waits here, and when that is much, the
    connection isn't read, so that memory doesn't follow the body's size.
    """

    held = 0

    def __init__(
        self, receiver: Receiver, rules: Rules, threads: ThreadPoolExecutor, line: Inflow
    ) -> None:
        self._receiver = receiver
        self._rules = rules
        self._threads = threads
        self._line = line
        self._loop = asyncio.get_running_loop()
        self._waiting = Pieces(MOST_AHEAD)
        self._is_writing = self._is_paused = self._is_complete = self._is_closed = False
        self._written: Future[None] = Future()
        self.size = 0
        self._wire_bytes = 0
        self._run(receiver.begin)  # a refusal needn't wait for the body

    @property
    def receiver(self) -> Receiver:
        """Who takes the bytes."""
        return self._receiver

    def add(self, piece: bytes) -> bool:
        """A part of the body. Raises UploadTooLarge; false if the client doesn't stop sending."""
        self.size += len(piece)
        if self.size > self._rules.max_bytes:
            raise UploadTooLarge(self._rules.max_bytes, self._rules.setting)
        if not self._waiting.add(piece):
            return False
        self._write()
        if self._waiting.size > PAUSE_AT and not self._is_paused:
            self._is_paused = True
            self._line.pause()
        return True

    def is_wrapped_thickly(self, more: int) -> bool:
        """True once what came over the wire is many times the body."""
        self._wire_bytes += more
        return is_wrapped_thickly(self._wire_bytes, self.size)

    def take(self) -> bytes:
        """All came; the application reads it from the disk."""
        self._is_complete = True
        self._settle()
        return b""

    def close(self) -> None:
        """Nobody needs it any more: what is on the disk is removed; safe to call again."""
        if not self._is_closed:
            self._is_closed = True
            self._threads.submit(self._receiver.close)

    def finish(self) -> Received:
        """What came, when all of it is written; for the application's thread. Raises its error."""
        self._written.result()
        return self._receiver.finish()

    def _write(self) -> None:
        if self._is_writing or self._is_closed or not self._waiting.size:
            return
        pieces, self._waiting = self._waiting.take_all(), Pieces(MOST_AHEAD)
        self._run(partial(self._receiver.write, pieces))

    def _run(self, work: Callable[[], None]) -> None:
        self._is_writing = True
        self._threads.submit(work).add_done_callback(self._report)

    def _report(self, done: Future[None]) -> None:
        with suppress(RuntimeError):  # the loop is closed: the server has ended
            self._loop.call_soon_threadsafe(self._go_on, done.exception())

    def _go_on(self, error: BaseException | None) -> None:
        self._is_writing = False
        if error is not None:
            self._fail(error)
            return
        self._write()
        if self._waiting.size < GO_ON_AT or self._is_closed:
            self._resume()
        self._settle()

    def _settle(self) -> None:
        if self._is_complete and not self._is_writing and not self._written.done():
            self._written.set_result(None)

    def _resume(self) -> None:
        """The connection may go on, with this body or with what comes after it."""
        if self._is_paused:
            self._is_paused = False
            self._line.go_on()

    def _fail(self, error: BaseException) -> None:
        if not isinstance(error, KerasdError):
            logger.error("an upload can't be written", exc_info=error)
            error = KerasdError("internal error")
        if self._is_complete:
            self._written.set_exception(error)
            self._resume()
        elif not self._is_closed:
            self._line.fail(error)
