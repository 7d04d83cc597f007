"""What a connection and its worker ask of each other."""

from typing import Protocol

from service.base.errors import KerasdError
from service.web.crowd import Crowd
from service.web.pieces import Body
from service.web.turn import Message, Turn


class Inflow(Protocol):
    """A connection, as a body sees it that may be slower than the client."""

    def pause(self) -> None:
        """Read no further until `go_on`; the time until then is not the client's."""
        ...

    def go_on(self) -> None:
        """Read again."""
        ...

    def fail(self, error: KerasdError) -> None:
        """The body can't be taken."""
        ...


class Host(Protocol):
    """The worker that a connection belongs to."""

    @property
    def crowd(self) -> Crowd:
        """All of its connections."""
        ...

    def open_body(self, scope: Message, line: Inflow) -> Body | None:
        """Where a body goes that isn't kept in memory. Raises if its sender may not send it."""
        ...

    def start(self, turn: Turn) -> None:
        """Have the application answer."""
        ...

    def finish(self, turn: Turn) -> None:
        """It has answered."""
        ...

    def common_headers(self) -> bytes:
        """What every answer says."""
        ...

    def refuse(self, error: KerasdError, request_id: str) -> list[bytes]:
        """The answer to a request that can't be read; counted."""
        ...
