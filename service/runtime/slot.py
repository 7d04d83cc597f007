"""What is known of one model in this process: its loaded versions, those that aren't, its ways."""

from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from service.runtime.directions import Directions

NOWHERE = Directions(-1, None)


class Closable(Protocol):
    """Whatever holds a loaded version."""

    def close(self) -> None:
        """Give it back."""
        ...


Served = TypeVar("Served", bound=Closable)


@dataclass(slots=True)
class Slot(Generic[Served]):
    """One loaded version; another `identity` means that it must be loaded anew.

    Times of the wall clock, or 0: `last_used` is when it was asked for a prediction, `last_copied`
    when it was tried on a copy of such a request, `last_held` when anybody leased it or was about
    to, be it a probe. `retired_at` is one of `time.monotonic`, when the version had to give way.
    """

    model: str
    version: int
    identity: str
    served: Served
    loaded_at: float
    size_bytes: int = 0
    last_used: float = 0.0
    leases: int = 0
    retired_at: float | None = None
    last_held: float = 0.0
    last_copied: float = 0.0

    @property
    def last_run(self) -> float:
        """When it had work last, for whoever that was."""
        return max(self.last_used, self.last_copied)


@dataclass(frozen=True, slots=True)
class Absent:
    """Why a version isn't loaded; `is_coming` where it makes sense to wait for it.

    A cold one is loaded when a request asks for it.
    """

    reason: str = ""
    is_coming: bool = False
    is_cold: bool = False


COMING = Absent(is_coming=True)


@dataclass(slots=True)
class Signpost:
    """Directions, and how many leases under way have followed them."""

    directions: Directions
    leases: int = 0


@dataclass(slots=True)
class Entry(Generic[Served]):
    """One model; `older` are signposts by which leases went that may not have ended."""

    slots: dict[int, Slot[Served]] = field(default_factory=dict)
    absent: dict[int, Absent] = field(default_factory=dict)
    post: Signpost = field(default_factory=lambda: Signpost(NOWHERE))
    older: list[Signpost] = field(default_factory=list)

    def turn(self, directions: Directions) -> None:
        """Put up another signpost; the one before is kept while leases go back to it."""
        self.older = [post for post in (*self.older, self.post) if post.leases]
        self.post = Signpost(directions)

    def target(self, version: int | None, label: str) -> int | None:
        """The version that a request asks for; none if there is no such label or no current."""
        if version is not None:
            return version
        directions = self.post.directions
        return directions.labels.get(label) if label else directions.current

    def find(self, version: int | None, label: str) -> Slot[Served] | None:
        """Its slot, if it is loaded."""
        target = self.target(version, label)
        return None if target is None else self.slots.get(target)

    def why_not(self, version: int | None, label: str) -> Absent | None:
        """Why what a request asks for isn't loaded; none if there is no such version.

        Without a current version the highest one tells.
        """
        target = self.target(version, label)
        if target is not None:
            return self.absent.get(target)
        return None if label or not self.absent else self.absent[max(self.absent)]
