"""uvicorn's server with an end that loses no request: it drains before it stops to listen."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn

from service.web.accepting import Accepting
from service.web.crowd import Crowd
from service.web.ending import Ending
from service.web.last_call import accept_rest, refuse_new

logger = logging.getLogger(__name__)

TICK_S = 0.1
TICKS_A_SECOND = 10
LAST_CALL_S = 0.25  # connections that are being made are made within this


class DrainingServer(uvicorn.Server):
    """Told to end, it goes on: it accepts and answers for `drain_s`, and each answer is the last of
    its connection, so that clients and those who send them here learn it in time. Then nobody is
    let in any more, everybody who is in is taken out of the kernel's queue, and uvicorn's own end
    follows, which waits for what is under way.

    SIGTERM drains, again and again alike: groups of processes are told twice. SIGINT and SIGQUIT
    cut the draining short; a second SIGINT waits for nothing.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        crowd: Crowd,
        ending: Ending,
        drain_s: float,
        notify: Callable[[], object],
        is_ready: Callable[[], bool] = lambda: True,
    ) -> None:
        super().__init__(config)
        self._crowd = crowd
        self._ending = ending
        self._drain_s = drain_s
        self._notify = notify
        self._is_ready = is_ready
        self._was_interrupted = False
        self._accepting: list[Accepting] = []

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal; not kept to be raised again at the end, which is an orderly one."""
        self.should_exit = self._crowd.is_draining = True
        if sig == signal.SIGTERM:
            self._ending.begin()
            return
        self._ending.hurry()
        if sig == signal.SIGINT:
            self.force_exit, self._was_interrupted = self._was_interrupted, True

    async def on_tick(self, counter: int) -> bool:
        """uvicorn's; and each second the master is told that this one lives, by no clock but the
        loop's: the wall clock may be set back for longer than the master has patience."""
        if counter % TICKS_A_SECOND == 0:
            self._notify()
        if not self._crowd.is_draining and self._is_ready():
            self._crowd.share.open()  # until then others, who have loaded all, go first
        return await super().on_tick(counter)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """uvicorn's, but for how connections are taken from the sockets."""
        await super().startup(sockets=[])
        self._accepting = [
            Accepting(one, self._crowd.share, self._protocol) for one in sockets or []
        ]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, and end."""
        logger.info("draining", extra={"within_s": self._drain_s})
        ticking = asyncio.ensure_future(self._tick())
        try:
            self._crowd.share.stand_back()
            self._crowd.begin_draining()
            await self._go_on()
            await self._stop_listening(sockets or [])
            self._crowd.begin_ending(asyncio.get_running_loop().time())
            await super().shutdown(sockets)
        finally:
            ticking.cancel()

    async def _tick(self) -> None:
        """The date in answers goes on, and so does what tells the master that this one lives."""
        while True:
            await self.on_tick(0)
            await asyncio.sleep(1)

    async def _go_on(self) -> None:
        end = asyncio.get_running_loop().time() + self._drain_s
        await asyncio.sleep(TICK_S)  # until then the master has written what it means
        while asyncio.get_running_loop().time() < end and not self._ending.is_hurried:
            await asyncio.sleep(TICK_S)

    async def _stop_listening(self, sockets: list[socket.socket]) -> None:
        """A worker that ends alone leaves the socket, and who waits in its queue, to the others."""
        listening = sockets if self._ending.is_everywhere else []
        filtered = [refuse_new(one) for one in listening]
        if any(filtered):
            await asyncio.sleep(LAST_CALL_S)
        rest = [connection for listener in listening for connection in accept_rest(listener)]
        for accepting in self._accepting:  # in the same turn, so that nobody comes between
            accepting.close()
        for connection in rest:
            self._accepting[0].take(connection)
        await asyncio.gather(*(one.settle() for one in self._accepting))

    def _protocol(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol
