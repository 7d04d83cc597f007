"""The whole requests of one connection that aren't answered yet, in the order they came in."""

from collections import deque

from service.web.turn import Turn

MAX_WAITING = 128


class Pipeline:
    """One of them is being answered, and the others wait: for it, or for their client to read."""

    __slots__ = ("_waiting", "current")

    def __init__(self) -> None:
        self.current: Turn | None = None
        self._waiting: deque[Turn] = deque()

    def __bool__(self) -> bool:
        """Whether there are any."""
        return self.current is not None or bool(self._waiting)

    @property
    def last(self) -> Turn | None:
        """The one that came last."""
        return self._waiting[-1] if self._waiting else self.current

    @property
    def is_full(self) -> bool:
        """Whether no more may wait."""
        return len(self._waiting) == MAX_WAITING

    def add(self, turn: Turn) -> None:
        """It has come after all others."""
        self._waiting.append(turn)

    def begin(self) -> Turn | None:
        """The next one, which is being answered from now on; none while another one is."""
        if self.current is not None or not self._waiting:
            return None
        self.current = self._waiting.popleft()
        return self.current

    def end(self) -> Turn | None:
        """The one that was being answered, and is no longer."""
        turn, self.current = self.current, None
        return turn

    def end_soon(self, is_whole: bool) -> None:
        """The last answer is the connection's, if nothing has begun to come behind it."""
        last = self.last
        for turn in self._all():
            turn.end_soon(is_whole and turn is last)

    def leave(self) -> None:
        """Their client has closed its side."""
        for turn in self._all():
            turn.leave()

    def drop(self) -> list[Turn]:
        """Those that will not be answered any more."""
        dropped = list(self._waiting)
        self._waiting.clear()
        return dropped

    def _all(self) -> list[Turn]:
        return [*(() if self.current is None else (self.current,)), *self._waiting]
