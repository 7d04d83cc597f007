"""Clients that keep their connections, as pools do, and count every request that gets no answer."""

import asyncio
import random
import select
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Thread

CLOSE = b"connection: close"


@dataclass(slots=True)
class Tally:
    """What came of the requests; `failures` says how each that failed did."""

    answered: int = 0
    told_to_close: int = 0
    refused: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


class Line:
    """One connection, which is opened again when the server has closed it in good order."""

    def __init__(self, port: int, tally: Tally) -> None:
        self._port = port
        self._tally = tally
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> bool:
        """False once nobody listens any more; what was closed while idle is seen, as pools do."""
        if self._writer is not None and not _is_readable(self._writer):
            return True
        self.close()
        try:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        except ConnectionRefusedError:
            self._tally.refused += 1
            return False
        return True

    def close(self) -> None:
        """Leave."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    async def ask(self, request: bytes, times: int = 1, pause_s: float = 0.0) -> None:
        """Send a request, or several at once; in halves with a pause where it is to be slow."""
        assert self._reader is not None
        assert self._writer is not None
        answered = 0
        try:
            half = len(request) // 2 if pause_s else len(request) * times
            whole = request * times
            self._writer.write(whole[:half])
            if pause_s:
                await asyncio.sleep(pause_s)
                self._writer.write(whole[half:])
            is_last = False
            while answered < times:
                assert not is_last, "told to close before all were answered"
                is_last = await self._read_answer(self._reader)
                answered += 1
            if is_last:
                self._tally.told_to_close += 1
                self.close()
        except (OSError, asyncio.IncompleteReadError, AssertionError) as error:
            self._tally.failures += [repr(error)] * (times - answered)
            self.close()

    async def _read_answer(self, reader: asyncio.StreamReader) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        self._tally.answered += 1
        self._tally.statuses[int(head.split()[1])] += 1
        return CLOSE in head


def _is_readable(writer: asyncio.StreamWriter) -> bool:
    """True for an idle connection that the server has ended."""
    look = select.poll()
    look.register(writer.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(look.poll(0)) or writer.is_closing()


Work = Callable[[Line, random.Random], Awaitable[None]]


class Load:
    """Many clients in a thread of their own; each does its work again and again, with pauses."""

    def __init__(self, port: int, clients: int, pause_s: float, work: Work) -> None:
        self.tally = Tally()
        self._port = port
        self._clients = clients
        self._pause_s = pause_s
        self._work = work
        self._is_over = Event()
        self._thread = Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join(60)
        assert not self._thread.is_alive()

    async def _run(self) -> None:
        await asyncio.gather(*(self._go_on(number) for number in range(self._clients)))

    async def _go_on(self, number: int) -> None:
        draw = random.Random(number)
        line = Line(self._port, self.tally)
        await asyncio.sleep(draw.random() * self._pause_s)
        while not self._is_over.is_set() and await line.open():
            await self._work(line, draw)
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(draw.expovariate(1 / self._pause_s) if self._pause_s else 0)
        line.close()


def post(path: str, body: bytes) -> bytes:
    """A request that keeps its connection."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
