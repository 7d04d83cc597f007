"""Requests at a steady pace over kept-alive connections, whatever becomes of the earlier ones."""

import asyncio
import gc
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
import uvloop

from benchmarks.connection import Answer, Connection, message_of
from benchmarks.dialects import Request

TICK_S = 0.001
PATIENCE_S = 30.0
FAILED, OTHER = "failed", "other"


@dataclass(frozen=True, slots=True)
class Told:
    """One request: when it was due, how long after that it was answered, and what it told."""

    due: float
    took_s: float
    said: str


class Steady:
    """Asks from a thread for as long as the block lasts; `bodies` names what each answer says.

    Times count from the moment when a request was due, so that one that had to wait for a free
    connection is slow, not missing. A rate of zero asks as fast as it is answered.
    """

    def __init__(
        self,
        port: int,
        request: Request,
        bodies: Mapping[bytes, str],
        per_s: float,
        connections: int,
    ) -> None:
        self.told: list[Told] = []
        self._port = port
        self._message = message_of(request, port)
        self._bodies = bodies
        self._per_s = per_s
        self._connections = connections
        self._idle: list[Connection] = []
        self._due: dict[Connection, float] = {}
        self._waiting: list[float] = []
        self._is_over = False
        self._thread = threading.Thread(target=lambda: uvloop.run(self._ask_on()), name="steady")

    def __enter__(self) -> Self:
        gc.disable()  # going through all that was told took 80 ms, which looked like the server's
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over = True
        self._thread.join()
        gc.enable()

    def between(self, began: float, ended: float) -> list[Told]:
        """What was due in between."""
        return [each for each in self.told if began <= each.due < ended]

    async def _ask_on(self) -> None:
        for _ in range(self._connections):
            await self._connect()
        began, asked = time.perf_counter(), 0
        while not self._is_over:
            now = time.perf_counter()
            if self._per_s:
                for number in range(asked, int((now - began) * self._per_s)):
                    self._ask(began + number / self._per_s)
                    asked = number + 1
            else:
                while self._idle:
                    self._ask(time.perf_counter())
            await asyncio.sleep(TICK_S)
        deadline = time.perf_counter() + PATIENCE_S
        while self._due and time.perf_counter() < deadline:
            await asyncio.sleep(TICK_S)
        self.told += [Told(due, PATIENCE_S, FAILED) for due in self._due.values()]
        for connection in [*self._idle, *self._due]:
            connection.close()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        make = lambda: Connection(self._done)  # noqa: E731
        _, connection = await loop.create_connection(make, "127.0.0.1", self._port)
        self._idle.append(connection)

    def _ask(self, due: float) -> None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                self._due[connection] = due
                connection.ask(self._message)
                return
        self._waiting.append(due)

    def _done(self, connection: Connection, answer: Answer | None) -> None:
        due = self._due.pop(connection)
        said = FAILED
        if answer is not None:
            said = self._bodies.get(answer.body, OTHER) if answer.status == 200 else FAILED
        self.told.append(Told(due, time.perf_counter() - due, said))
        if answer is None:
            return
        self._idle.append(connection)
        if self._waiting:
            self._ask(self._waiting.pop(0))
        elif not self._per_s and not self._is_over:
            self._ask(time.perf_counter())


def percentile_ms(told: list[Told], share: float) -> float:
    """How long they took; zero where there are none."""
    return float(np.percentile([each.took_s for each in told], share)) * 1e3 if told else 0.0
