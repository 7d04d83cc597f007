"""Where jobs run, as their supervisor sees it: an argv is run in a place with the same disk and
database, under a key that names job and attempt.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Phase(StrEnum):
    """Whether a program runs. WAITING: for a machine with room for it. LOST: nobody knows it any
    more, here or on a machine that is gone.
    """

    WAITING = "waiting"
    RUNNING = "running"
    ENDED = "ended"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Status:
    """How a program stands. `code` is its exit code, negative for the signal that killed it; `why`
    is what the executor itself has to say, if anything.
    """

    phase: Phase
    code: int = 0
    why: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing of it will run any more, as far as the executor knows."""
        return self.phase in (Phase.ENDED, Phase.LOST)


WAITING = Status(Phase.WAITING)
RUNNING = Status(Phase.RUNNING)
LOST = Status(Phase.LOST)


@dataclass(frozen=True, slots=True)
class JobLimits:
    """What one job may use: address space in bytes, and so many threads, each on a processor."""

    address_space: int
    threads: int


class Executor(Protocol):
    """What runs the programs of jobs.

    `place` names what this executor can see: of a job that another place has taken it knows
    nothing, and what it doesn't know of its own place is lost.
    """

    @property
    def place(self) -> str: ...

    def is_ready(self) -> bool:
        """Whether it can be given a program now: else none is, and no attempt is lost by that."""

    def submit(
        self, key: str, argv: Sequence[str], environment: Mapping[str, str], limits: JobLimits
    ) -> None:
        """Run a program; the same key again is the same program. Raises OSError where it can't,
        ConnectionError where none can be run yet.
        """

    def poll(self, key: str) -> Status:
        """How it stands, without waiting."""

    def stop(self, key: str) -> None:
        """Have it end at once, with all that it has started; safe for any key, and to call again.

        The executor may forget the key.
        """

    def log(self, key: str) -> str:
        """The last of what it has printed."""

    def close(self) -> None:
        """End what ends with this process."""
