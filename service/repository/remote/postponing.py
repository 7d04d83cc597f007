"""Places that failed in a way which soon would be the same: not tried again before a time."""

from collections.abc import Collection
from dataclasses import dataclass

PAUSE_S = 60.0  # an object that can't be read isn't asked for at every look


@dataclass(frozen=True, slots=True)
class Postponed:
    """What a place looked like, and why it waits until then."""

    what: object
    why: str
    pause_s: float
    until: float


class Postponing:
    """Remembers failures; times are monotonic seconds. What changes is tried at once."""

    def __init__(self) -> None:
        self._places: dict[str, Postponed] = {}

    def why(self, place: str, what: object, now: float) -> str:
        """Why a place that looks like this waits still; empty if it doesn't."""
        seen = self._places.get(place)
        return seen.why if seen is not None and seen.what == what and now < seen.until else ""

    def add(
        self, place: str, what: object, why: str, now: float, longest_s: float = PAUSE_S
    ) -> None:
        """Have a place wait, twice as long as the last time if it looks as it did then."""
        pause_s, seen = PAUSE_S, self._places.get(place)
        if seen is not None and seen.what == what:
            pause_s = min(seen.pause_s * 2, longest_s)
        self._places[place] = Postponed(what, why, pause_s, now + pause_s)

    def drop(self, place: str) -> None:
        """It is well."""
        self._places.pop(place, None)

    def keep(self, places: Collection[str]) -> None:
        """Forget every other place."""
        self._places = {place: seen for place, seen in self._places.items() if place in places}
