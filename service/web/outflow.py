"""What is sent to one client: in one piece where it is small, and no faster than it is read."""

import asyncio

from service.web.crowd import EdgeLimits

APART_BYTES = 64 * 1024  # a longer answer is not copied together with its head


class Outflow:
    """The way out of a connection; the transport says when it is full."""

    __slots__ = ("_limits", "_read_on", "_transport", "_unread", "_written", "is_full")

    def __init__(self, transport: asyncio.Transport, limits: EdgeLimits) -> None:
        self._transport = transport
        self._limits = limits
        self._written = 0
        self._unread: tuple[float, int] | None = None
        self._read_on: asyncio.Future[None] | None = None
        self.is_full = False

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

    async def writable(self) -> None:
        """Return when the client has read most of what was sent."""
        while self.is_full and not self._transport.is_closing():
            self._read_on = asyncio.get_running_loop().create_future()
            await self._read_on

    def resume(self) -> None:
        """The client has caught up, or has gone."""
        self.is_full = False
        if self._read_on is not None and not self._read_on.done():
            self._read_on.set_result(None)

    def is_read_too_slowly(self, now: float) -> bool:
        """True once the client has read for long less than it must."""
        unsent = self._transport.get_write_buffer_size()
        if not unsent:
            self._unread = None
        elif self._unread is None:
            within = self._limits.body_timeout_s + unsent / self._limits.bytes_per_s
            self._unread = (now + within, self._written)
        else:
            deadline, written = self._unread
            return now > deadline + (self._written - written) / self._limits.bytes_per_s
        return False
