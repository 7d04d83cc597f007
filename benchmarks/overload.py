"""What becomes of a server that is offered ten times what it can do.

The model is slow and its rows are small, so that neither the client nor the network is what gives
way. Requests are offered at a steady pace, whatever becomes of the earlier ones, over many
connections; each answer is held against Keras.
"""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import uvloop

from benchmarks.answers import TOLERANCE, Questions
from benchmarks.connection import Answer, Connection, message_of

TIMES = 10
CONNECTIONS = 640
CALM_CONNECTIONS = 16
TICK_S = 0.002
PATIENCE_S = 60.0
OK, TOO_MANY = 200, 429


@dataclass(frozen=True, slots=True)
class Overload:
    """What came of it; `capacity_per_s` and `calm_p99_ms` are those of sixteen patient clients.

    `lost` were never answered, `other` got neither 200 nor 429, and `held_back` could not even be
    asked because every connection was waiting.
    """

    contestant: str
    capacity_per_s: float
    calm_p99_ms: float
    offered_per_s: float
    accepted_per_s: float
    refused: int
    accepted: int
    wrong: int
    lost: int
    other: int
    held_back: int
    p50_ms: float
    p99_ms: float

    @property
    def refused_share(self) -> float:
        """How many of those that were answered were told to come again."""
        return self.refused / max(self.refused + self.accepted, 1)

    @property
    def failed(self) -> int:
        """How many got what nobody should get."""
        return self.wrong + self.lost + self.other


@dataclass(slots=True)
class Tally:
    """What one crowd of clients saw; times are those of accepted requests."""

    took_s: list[float] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    def count(self, answer: Answer | None, is_right: bool) -> None:
        """Take one answer, or the lack of it, down."""
        if answer is None:
            self.seen["lost"] += 1
        elif answer.status == OK:
            self.seen["accepted" if is_right else "wrong"] += 1
            self.took_s.append(answer.took_s)
        else:
            self.seen["refused" if answer.status == TOO_MANY else "other"] += 1

    def percentile_ms(self, share: float) -> float:
        """How long accepted requests took; zero if there were none."""
        return float(np.percentile(self.took_s, share)) * 1e3 if self.took_s else 0.0


class Crowd:
    """Connections to one server, asking about the rows in turn."""

    def __init__(self, questions: Questions) -> None:
        samples = questions.samples
        self.tally = Tally()
        self._questions = questions
        self._messages = [
            message_of(
                questions.dialect.ask(samples.model, samples.rows[row : row + 1]), questions.port
            )
            for row in range(len(samples.rows))
        ]
        self._asked = 0
        self._idle: list[Connection] = []
        self._about: dict[Connection, int] = {}
        self._keeps_asking = False

    async def gather(self, count: int) -> None:
        """Open so many connections."""
        loop = asyncio.get_running_loop()
        for _ in range(count):
            make = lambda: Connection(self._done)  # noqa: E731
            _, connection = await loop.create_connection(make, "127.0.0.1", self._questions.port)
            self._idle.append(connection)

    async def press(self, seconds: float) -> float:
        """Every connection asks again as soon as it is answered; answers a second."""
        self._keeps_asking = True
        began = time.perf_counter()
        for _ in range(len(self._idle)):
            self._ask()
        await asyncio.sleep(seconds)
        self._keeps_asking = False
        answered = self.tally.seen["accepted"]
        took_s = time.perf_counter() - began
        await self._finish()
        return answered / took_s

    async def offer(self, per_s: float, seconds: float) -> float:
        """Ask at a steady pace, then wait for what is under way; how many a second were offered."""
        began = time.perf_counter()
        offered = 0
        while (passed := time.perf_counter() - began) < seconds:
            for _ in range(int(passed * per_s) - offered):
                offered += 1
                if not self._ask():
                    self.tally.seen["held_back"] += 1
            await asyncio.sleep(TICK_S)
        took_s = time.perf_counter() - began
        await self._finish()
        return offered / took_s

    def leave(self) -> None:
        """Hang up; who still waits is lost."""
        for connection in [*self._idle, *self._about]:
            connection.close()
        self.tally.seen["lost"] += len(self._about)

    def _ask(self) -> bool:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                row = self._asked % len(self._messages)
                self._asked += 1
                self._about[connection] = row
                connection.ask(self._messages[row])
                return True
        return False

    def _done(self, connection: Connection, answer: Answer | None) -> None:
        row = self._about.pop(connection)
        is_right = answer is not None and answer.status == OK and self._is_right(answer, row)
        self.tally.count(answer, is_right)
        if answer is not None:
            self._idle.append(connection)
            if self._keeps_asking:
                self._ask()

    def _is_right(self, answer: Answer, row: int) -> bool:
        try:
            read = self._questions.dialect.read(answer.headers, answer.body)
            got: Any = np.asarray(read, np.float64)
        except (LookupError, TypeError, ValueError):
            return False
        truth = self._questions.samples.truth[row]
        return got.size == truth.size and bool(np.abs(got.ravel() - truth).max() <= TOLERANCE)

    async def _finish(self) -> None:
        deadline = time.perf_counter() + PATIENCE_S
        while self._about and time.perf_counter() < deadline:
            await asyncio.sleep(TICK_S)


def measure(questions: Questions, seconds: float) -> Overload:
    """Find out what the server can do, then offer it ten times as much.

    Raises ValueError where it can do nothing.
    """
    return uvloop.run(_measure(questions, seconds))


async def _measure(questions: Questions, seconds: float) -> Overload:
    calm = Crowd(questions)
    await calm.gather(CALM_CONNECTIONS)
    capacity = await calm.press(seconds)
    calm.leave()
    if not capacity:
        raise ValueError(f"nothing was answered: {dict(calm.tally.seen)}")
    crowd = Crowd(questions)
    await crowd.gather(CONNECTIONS)
    began = time.perf_counter()
    offered = await crowd.offer(capacity * TIMES, seconds)
    took_s = time.perf_counter() - began
    crowd.leave()
    seen = crowd.tally.seen
    return Overload(
        contestant=questions.contestant.name,
        capacity_per_s=capacity,
        calm_p99_ms=calm.tally.percentile_ms(99),
        offered_per_s=offered,
        accepted_per_s=seen["accepted"] / took_s,
        refused=seen["refused"],
        accepted=seen["accepted"],
        wrong=seen["wrong"] + calm.tally.seen["wrong"],
        lost=seen["lost"] + calm.tally.seen["lost"],
        other=seen["other"] + calm.tally.seen["other"],
        held_back=seen["held_back"],
        p50_ms=crowd.tally.percentile_ms(50),
        p99_ms=crowd.tally.percentile_ms(99),
    )
