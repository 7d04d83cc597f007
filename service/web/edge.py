"""The HTTP edge: what uvicorn makes connections of, in the place of its own protocols."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from service.base.errors import KerasdError
from service.web.connection import Connection
from service.web.crowd import Crowd, EdgeLimits
from service.web.host import Inflow
from service.web.pieces import Body
from service.web.refusal import Headers, Refusals
from service.web.turn import App, Message, Turn


class Uploads(Protocol):
    """Takes the bodies that are too large for memory."""

    def open(self, scope: Message, line: Inflow, admit: Callable[[Message], None]) -> Body:
        """Where the body of this request goes; `admit` raises if its sender may not send it."""
        ...

    def is_upload(self, scope: Message) -> bool:
        """True for such a request; quick."""
        ...


def count_nothing(_status: int) -> None:
    """For those who don't count refusals."""


def admit_all(_scope: Message) -> None:
    """For applications that ask nobody who they are."""


def admission(app: Any) -> Callable[[Message], None]:
    """The application's own `admit`, also where the server has wrapped it."""
    while app is not None:
        if hasattr(app, "admit"):
            own: Callable[[Message], None] = app.admit
            return own
        app = getattr(app, "app", None)
    return admit_all


class Edge:
    """Given to uvicorn's Config as its `http`; serves one worker, whose loop is the first that
    brings a connection. `count_refused` gets the status of each request refused here. Bodies for
    `uploads` don't come into memory; the application's `admit` is asked before they are read.
    `headers` are those that the application gives each of its answers.
    """

    def __init__(
        self,
        limits: EdgeLimits,
        count_refused: Callable[[int], None] = count_nothing,
        uploads: Callable[[], Uploads] | None = None,
        headers: Callable[[], Headers] = tuple,
    ) -> None:
        self.crowd = Crowd(limits, count_refused)
        self._make_uploads = uploads
        self._make_headers = headers
        self._refusals: Refusals | None = None
        self._uploads: Uploads | None = None
        self._state: Any = None
        self._app: App | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listed: object = None
        self._common = b""

    def __call__(
        self,
        config: Any,
        server_state: Any,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> asyncio.Protocol:
        """A new connection; the parameters are those of uvicorn's own protocols."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._app, self._state = config.loaded_app, server_state
            self._refusals = Refusals(self._make_headers())
            if self._make_uploads is not None:
                self._uploads = self._make_uploads()
            server_state.connections = self.crowd.members  # told at the end to shut down
        return Connection(self, self._loop)

    def open_body(self, scope: Message, line: Inflow) -> Body | None:
        """A body on the disk for an upload; none for all other requests. Raises its refusal."""
        if self._uploads is None or not self._uploads.is_upload(scope):
            return None
        return self._uploads.open(scope, line, admission(self._app))

    def start(self, turn: Turn) -> None:
        """Have the application answer, in a task that the server waits for at its end."""
        assert self._loop is not None
        assert self._app is not None
        turn.task = self._loop.create_task(turn.run(self._app))
        self._state.tasks.add(turn.task)

    def finish(self, turn: Turn) -> None:
        """It has answered, or will not."""
        self._state.total_requests += 1
        self._state.tasks.discard(turn.task)

    def refuse(self, error: KerasdError, request_id: str) -> list[bytes]:
        """The answer to a request that the application never sees."""
        assert self._refusals is not None
        self.crowd.count_refused(error.status)
        return self._refusals.answer(error, request_id, self.common_headers())

    def common_headers(self) -> bytes:
        """The date, which the server renews each second."""
        listed = self._state.default_headers
        if listed is not self._listed:
            self._listed = listed
            self._common = b"".join(b"%b: %b\r\n" % field for field in listed)
        return self._common
