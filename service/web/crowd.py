"""All connections of one worker: who may come in, who has waited too long, what they hold."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from service.base.graces import BODIES_S
from service.web.shares import lonely

BODIES = 4  # so many of the largest bodies may be on their way into one worker
LEAST_HELD = 64 * 1024**2
FOREVER = float("inf")


@dataclass(frozen=True, slots=True)
class EdgeLimits:
    """How many connections a worker has, how long they may take and how much they may send.

    `bytes_per_s` is the slowest that a long body may come, and that a long answer may be read.
    When the worker ends, bodies have `end_s` more, and `linger_s` is all that silent clients have.
    """

    max_connections: int
    head_timeout_s: float
    body_timeout_s: float
    max_body_bytes: int
    keep_alive_s: float = 75.0
    linger_s: float = 2.0
    end_s: float = BODIES_S
    bytes_per_s: int = 100 * 1024
    sweep_s: float = 1.0


class Member(Protocol):
    """What the crowd asks of a connection."""

    def look(self, now: float) -> None:
        """End what has taken too long."""
        ...

    def evict(self) -> None:
        """Close at once, to make room."""
        ...

    def drain(self) -> None:
        """Close once its client knows that it will be."""
        ...


class Crowd:
    """Kept by the event loop alone. One sweep a second stands for all timers.

    Who waits for a whole request is either a stranger, whose connection has not brought one yet,
    or a regular. When there is no room, the larger of the two groups gives up its oldest: silent
    connections by the thousand push each other out, not the clients that are being served.
    """

    def __init__(self, limits: EdgeLimits, count_refused: Callable[[int], None]) -> None:
        self.limits = limits
        self.count_refused = count_refused
        self.share = lonely()  # until its worker has one
        self.now = 0.0
        self.is_draining = self.is_ending = False
        self.bodies_until = FOREVER
        self.members: set[Member] = set()
        self._strangers: dict[Member, None] = {}
        self._regulars: dict[Member, None] = {}
        self.held = 0
        self._most_held = max(BODIES * limits.max_body_bytes, LEAST_HELD)
        self._timer: asyncio.TimerHandle | None = None

    def admit(self, member: Member, loop: asyncio.AbstractEventLoop) -> bool:
        """Take in a new connection; false if everybody else is being answered."""
        if self._timer is None:
            self.now = loop.time()
            self._timer = loop.call_later(self.limits.sweep_s, self._sweep_on, loop)
        has_room = len(self.members) < self.limits.max_connections or self._make_room()
        self.members.add(member)
        self._strangers[member] = None
        return has_room

    def wait(self, member: Member) -> None:
        """It waits for its client's next request."""
        if member not in self._strangers:
            self._regulars[member] = None

    def idle_deadline(self) -> float:
        """When a connection that waits from now on has waited too long; asks for no time."""
        return self.now + self.limits.keep_alive_s + self.limits.sweep_s

    def serve(self, member: Member) -> None:
        """It has a whole request, which is being answered; it won't be closed for another."""
        if member in self._regulars:
            del self._regulars[member]
        else:
            self._strangers.pop(member, None)

    def forget(self, member: Member) -> None:
        """It is closed."""
        if member in self.members:
            self.members.remove(member)
            self.share.go()
        self._regulars.pop(member, None)
        self._strangers.pop(member, None)

    def hold(self, size: int) -> bool:
        """Count these bytes of an unfinished body; false if all together are too many."""
        if self.held + size > self._most_held:
            return False
        self.held += size
        return True

    def release(self, size: int) -> None:
        """Those bytes are gone."""
        self.held -= size

    def begin_draining(self) -> None:
        """Each answer from now on is the last of its connection, and says so."""
        self.is_draining = True
        for member in tuple(self.members):
            member.drain()

    def begin_ending(self, now: float) -> None:
        """Nobody comes any more: who sends nothing is waited for no longer. Told again, nothing."""
        if not self.is_ending:
            self.is_draining = self.is_ending = True
            self.bodies_until = now + self.limits.end_s

    def sweep(self, now: float) -> None:
        """One look at every connection."""
        self.now = now
        for member in tuple(self.members):
            member.look(now)

    def _sweep_on(self, loop: asyncio.AbstractEventLoop) -> None:
        self.sweep(loop.time())
        self._timer = None
        if self.members:
            self._timer = loop.call_later(self.limits.sweep_s, self._sweep_on, loop)

    def _make_room(self) -> bool:
        larger = max(self._strangers, self._regulars, key=len)
        for oldest in larger:
            oldest.evict()
            return True
        return False
