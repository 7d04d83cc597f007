"""What became of one request, and what is known about the service when it was sent."""

from dataclasses import dataclass
from math import inf

OK, TOO_MANY, UNAVAILABLE = 200, 429, 503
REFUSED, DIED, LATE = "refused", "died", "late"


@dataclass(frozen=True, slots=True)
class Seen:
    """One request; times are of one monotonic clock, `sent` just before, `answered` just after.

    `asked` is the version in its path, if any. `status` is 0 where no answer came; `why` is then
    REFUSED (nobody listened), DIED (the connection ended) or LATE (given up), else an error's text.
    `version` is what the answer claims and `factor` what its numbers tell; none where they tell
    nothing. `worker` answered this connection last, or nobody has yet.
    """

    model: str
    sent: float
    answered: float
    status: int
    asked: int | None = None
    version: str = ""
    factor: float | None = None
    worker: str = ""
    why: str = ""

    @property
    def is_good(self) -> bool:
        """True for a prediction, whatever it says."""
        return self.status == OK

    @property
    def kind(self) -> str:
        """In which row of the table of failures it belongs."""
        return self.why if self.status == 0 else str(self.status)


@dataclass(frozen=True, slots=True)
class Published:
    """A version that may answer from `since` on, and not requests that were sent after `until`."""

    model: str
    version: int
    factor: int
    since: float = -inf
    until: float = inf


@dataclass(frozen=True, slots=True)
class Promotion:
    """A call that made a version current, from its sending to its answer."""

    model: str
    version: int
    began: float
    ended: float
