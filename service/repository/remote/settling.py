"""Since when a place in a listing looks as it does: what has no manifest has no other end."""

from collections.abc import Collection, Iterable


class Settling:
    """Remembers looks; times are monotonic seconds."""

    def __init__(self, settle_s: float) -> None:
        self._settle_s = settle_s
        self._seen: dict[str, tuple[int, float]] = {}

    def is_settled(self, place: str, what: Iterable[object], now: float) -> bool:
        """True when a place has looked like this for long enough."""
        looks = hash(tuple(sorted(map(repr, what))))
        seen, since = self._seen.get(place, (None, now))
        if seen != looks:
            since = now
        self._seen[place] = (looks, since)
        return now - since >= self._settle_s

    def keep(self, places: Collection[str]) -> None:
        """Forget every other place."""
        self._seen = {place: seen for place, seen in self._seen.items() if place in places}
