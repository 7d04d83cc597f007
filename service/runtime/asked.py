"""Versions that requests have asked for though they aren't loaded, the first asked first."""

FORGOTTEN_AFTER_S = 30.0

Key = tuple[str, int]
"""A model and a version of it."""


class Asked:
    """Who asks again keeps its place; who doesn't for a while has given up."""

    def __init__(self) -> None:
        self._last: dict[Key, float] = {}

    def add(self, key: Key, now: float) -> None:
        """A request asks; a dict keeps the place of the first one."""
        self._last[key] = now

    def drop(self, key: Key) -> None:
        """It is there, or will not be."""
        self._last.pop(key, None)

    def keys(self, now: float) -> list[Key]:
        """Those that are still wanted, the first asked first."""
        self._last = {
            key: asked for key, asked in self._last.items() if now - asked < FORGOTTEN_AFTER_S
        }
        return list(self._last)
