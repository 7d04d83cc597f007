"""Where the requests of a model go, as operators have decided it: what is stored, and no more."""

from collections.abc import Mapping
from dataclasses import dataclass, field

STABLE = "stable"  # the label that always stands for the current version


@dataclass(frozen=True, slots=True)
class Canary:
    """A share of the requests that name no version goes to the version with this label.

    `percent` is above 0 and at most 100. Requests with the same value of `header` go the same way;
    without a header, or without a value, those with the same id of the client's own do.
    """

    label: str
    percent: float
    header: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """What operators want of one model; each change raises `revision`, by which workers report.

    `current` answers requests that name no version. It is moved by the controller as the version
    policy says, unless `is_pinned`: promoted or rolled back by somebody. `previous` are the
    versions that were current before it, the latest first. `preparing` are versions that are to be
    loaded because a promotion waits for them, each with the worker that promotes. `retired` ones
    aren't served though their files are there. A new `generation` has all loaded anew. `looked` is
    the revision that the controller's last finished look has read.
    """

    model: str
    revision: int = 0
    looked: int = 0
    is_unloaded: bool = False
    generation: int = 0
    current: int | None = None
    is_pinned: bool = False
    previous: tuple[int, ...] = ()
    labels: Mapping[str, int] = field(default_factory=dict)
    canary: Canary | None = None
    shadow: str = ""
    preparing: tuple[tuple[int, str], ...] = ()
    retired: tuple[int, ...] = ()
