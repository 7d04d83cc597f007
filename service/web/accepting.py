"""A listening socket that all workers share: a connection goes to the one that has the fewest.

Else the kernel's order decides, and one worker gets nearly all that come one after the other: with
clients that keep their connections the others have nothing to do for hours.
"""

import asyncio
import logging
import select
import socket
from collections.abc import Callable

from service.web.last_call import NO_LISTENER, NO_ROOM
from service.web.shares import Share

logger = logging.getLogger(__name__)

WAIT_S = 0.01  # for a worker that has fewer: it wakes up, or is in the middle of something
LOOK_S = 0.001
WAITS, WAITS_PER_S = 64, 8
NO_ROOM_S = 1.0


class Accepting:
    """Takes connections for one worker, from one socket, until it is closed."""

    def __init__(
        self, listener: socket.socket, share: Share, make: Callable[[], asyncio.Protocol]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener, self._share, self._make = listener, share, make
        self._waits, self._counted_at = float(WAITS), self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._arriving: set[asyncio.Task[None]] = set()
        listener.setblocking(False)
        self._waiting = select.poll()
        self._waiting.register(listener, select.POLLIN)
        self._listen()

    def close(self) -> None:
        """Take no more; safe to call again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._listener.fileno() >= 0:
            self._loop.remove_reader(self._listener.fileno())

    async def settle(self) -> None:
        """Wait until all that were taken are connections."""
        await asyncio.gather(*self._arriving)

    def take(self, connection: socket.socket) -> None:
        """It is this worker's from now on."""
        connection.setblocking(False)
        self._share.come()
        task = self._loop.create_task(self._connect(connection))
        self._arriving.add(task)
        task.add_done_callback(self._arriving.discard)

    async def _connect(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._make, connection)
        except Exception as error:  # it has gone already, or there is no room for it
            self._share.go()
            connection.close()
            logger.info("connection lost", extra={"why": str(error)[:200]})

    def _look(self) -> None:
        """Somebody is there."""
        before = self._share.before()
        if before and self._may_wait():
            self._pause(LOOK_S, self._look_again, self._loop.time())
        else:
            self._accept()

    def _look_again(self, since: float) -> None:
        """He is left to those who go first, `WAIT_S` for each: of those who wait, the one with the
        fewest is the first to wait no longer."""
        before = self._share.before()
        if not self._waiting.poll(0):
            self._listen()
        elif self._loop.time() >= since + before * WAIT_S:
            self._listen()
            self._accept()
        else:
            self._timer = self._loop.call_later(LOOK_S, self._look_again, since)

    def _may_wait(self) -> bool:
        """Where each request comes on a connection of its own, waiting would cost more than it
        gives: there are only so many waits at once, and so many a second."""
        now = self._loop.time()
        self._waits = min(self._waits + (now - self._counted_at) * WAITS_PER_S, WAITS)
        self._counted_at = now
        if self._waits < 1:
            return False
        self._waits -= 1
        return True

    def _listen(self) -> None:
        self._timer = None
        self._loop.add_reader(self._listener.fileno(), self._look)

    def _pause(self, for_s: float, then: Callable[..., None], *told: object) -> None:
        self._loop.remove_reader(self._listener.fileno())
        self._timer = self._loop.call_later(for_s, then, *told)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except BlockingIOError:  # another one was quicker
            return
        except OSError as error:
            if error.errno in NO_ROOM | NO_LISTENER:
                logger.warning("no connection can be taken", extra={"why": error.strerror})
                self._pause(NO_ROOM_S, self._listen)
            return  # else it was about the one that was next
        self.take(connection)
