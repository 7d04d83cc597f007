"""Which loaded version a request goes to: plain data, replaced as a whole when it changes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Split:
    """A canary: `share` (0 to 1) of the requests that name no version go to `version`.

    Those with the same value of `header` (lower case; none if empty) go the same way.
    """

    version: int
    share: float
    header: bytes = b""


@dataclass(frozen=True, slots=True)
class Directions:
    """Those of one model; `shadow` sees copies of what `current` answers."""

    revision: int
    current: int | None
    labels: Mapping[str, int] = field(default_factory=dict)
    split: Split | None = None
    shadow: int | None = None


Picks = Callable[[Split], bool]
"""Whether one request is among those that the canary gets."""
