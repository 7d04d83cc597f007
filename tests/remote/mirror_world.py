"""A bucket in memory and its mirror, which go wrong as a test wants."""

from pathlib import Path

from tests.remote.memory import Remote
from tests.remote.stepped import Stepped


class World(Stepped):
    """A bucket in memory and its mirror."""

    def __init__(self, folder: Path) -> None:
        self.remote = Remote()
        super().__init__(folder / "mirror", self.remote.bucket)

    def move(self) -> None:
        """To another repository."""
        self.remote = Remote()
        self.bucket = self.remote.bucket

    def away(self, error: Exception, *methods: str) -> None:
        chosen = methods or ("call",)
        self.remote.store.fails = lambda method, _key: (
            error if method in chosen or not methods else None
        )

    def back(self) -> None:
        self.remote.store.fails = lambda _method, _key: None
