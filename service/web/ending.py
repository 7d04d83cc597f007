"""Whether a worker is to end, alone or with all others: what signals have told it."""

import mmap


class Ending:
    """Made before the fork: what the master writes, its workers read, those to come included.

    A worker that is ended alone leaves the listening socket to the others; where all end, the last
    look at it is theirs. Signals may reach a worker before its master has written.
    """

    def __init__(self) -> None:
        self._everywhere = mmap.mmap(-1, 1)  # shared with whoever is forked after this line
        self._is_here = False
        self.is_hurried = False

    @property
    def is_draining(self) -> bool:
        """No longer than this is anybody to be sent here."""
        return self._is_here or self.is_everywhere

    @property
    def is_everywhere(self) -> bool:
        """The master ends, and so all workers do."""
        return self._everywhere[0] != 0

    def begin_everywhere(self) -> None:
        """The master's part, before it tells its workers."""
        self._everywhere[0] = 1

    def begin(self) -> None:
        """This worker is to end once it has drained."""
        self._is_here = True

    def hurry(self) -> None:
        """This worker is to end now: what is under way is finished, nobody is waited for."""
        self._is_here = self.is_hurried = True
