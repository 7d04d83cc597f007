"""How many connections each worker has, as all workers see it."""

import mmap
from collections.abc import Iterable

MOST_WORKERS = 64  # at once; those beyond take connections as they come
STANDS_BACK = -1
BYTES = 8


class Share:
    """What one worker tells of itself, and sees of the others.

    It stands back until it is opened: whoever is open goes first, however many he has.
    """

    def __init__(self, counts: "memoryview[int] | list[int]", slot: int) -> None:
        self._counts, self._slot = counts, slot
        self._mine = 0
        self._is_open = False

    def open(self) -> None:
        """From now on it is to have as many as the others; told again, nothing."""
        self._is_open = True
        self._tell()

    def stand_back(self) -> None:
        """From now on the others are to have what comes."""
        self._is_open = False
        self._tell()

    def come(self) -> None:
        """It has taken one."""
        self._mine += 1
        self._tell()

    def go(self) -> None:
        """One is closed."""
        self._mine -= 1
        self._tell()

    def before(self) -> int:
        """How many workers go first."""
        most = self._mine if self._is_open else float("inf")
        return sum(0 <= count < most for count in self._counts)

    def _tell(self) -> None:
        self._counts[self._slot] = self._mine if self._is_open else STANDS_BACK


def lonely() -> Share:
    """The share of a worker that knows of no others."""
    return Share([STANDS_BACK], 0)


class Shares:
    """Made before the fork: what one worker writes, all others read. Slots are the master's."""

    def __init__(self) -> None:
        self._counts = memoryview(mmap.mmap(-1, MOST_WORKERS * BYTES)).cast("q")
        for slot in range(MOST_WORKERS):
            self._counts[slot] = STANDS_BACK

    def free(self, taken: Iterable[int | None]) -> int | None:
        """A slot that no living worker has; none where there are too many."""
        return min(set(range(MOST_WORKERS)) - set(taken), default=None)

    def leave(self, slot: int | None) -> None:
        """Its worker has died."""
        if slot is not None:
            self._counts[slot] = STANDS_BACK

    def of(self, slot: int | None) -> Share:
        """The share of a worker."""
        return lonely() if slot is None else Share(self._counts, slot)
