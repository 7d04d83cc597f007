"""How many connections each worker has, as all workers see it."""

import mmap
from collections.abc import Iterable

MOST_WORKERS = 64  # at once; those beyond take connections as they come
NOBODY = -1
BYTES = 8


class Share:
    """What one worker tells of itself, and sees of the others."""

    def __init__(self, counts: "memoryview[int] | list[int]", slot: int) -> None:
        self._counts, self._slot = counts, slot

    def open(self) -> None:
        """From now on it takes connections."""
        self._counts[self._slot] = 0

    def come(self) -> None:
        """It has taken one."""
        self._counts[self._slot] += 1

    def go(self) -> None:
        """One is closed."""
        self._counts[self._slot] -= 1

    def fewer(self) -> list[int]:
        """How many those have who have fewer."""
        mine = self._counts[self._slot]
        return [count for count in self._counts if 0 <= count < mine]


def lonely() -> Share:
    """The share of a worker that knows of no others."""
    return Share([0], 0)


class Shares:
    """Made before the fork: what one worker writes, all others read. Slots are the master's."""

    def __init__(self) -> None:
        self._counts = memoryview(mmap.mmap(-1, MOST_WORKERS * BYTES)).cast("q")
        for slot in range(MOST_WORKERS):
            self._counts[slot] = NOBODY

    def free(self, taken: Iterable[int | None]) -> int | None:
        """A slot that no living worker has; none where there are too many."""
        return next(iter(set(range(MOST_WORKERS)) - set(taken)), None)

    def leave(self, slot: int | None) -> None:
        """Its worker has died."""
        if slot is not None:
            self._counts[slot] = NOBODY

    def of(self, slot: int | None) -> Share:
        """The share of a worker."""
        return lonely() if slot is None else Share(self._counts, slot)
