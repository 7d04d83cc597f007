"""Hears a client leave while its request waits, so that nothing is computed for nobody."""

import asyncio

from service.web.turn import Receive


class Disconnect:
    """Listened for once it is started: a task a request, for those alone that have to wait."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen."""
        if self._task is None:
            self._task = asyncio.ensure_future(self._listen())

    def is_heard(self) -> bool:
        """True if the client was heard leaving; may be asked in any thread."""
        return self._task is not None and self._task.done()

    def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()

    async def _listen(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
