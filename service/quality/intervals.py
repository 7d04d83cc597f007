"""How far a share that was counted may lie from the true one: Wilson's interval.

It stays within 0 and 1, isn't empty where none or all of the rows are right, and keeps what it
promises for few rows and rare classes, where rate ± z·sqrt(p·q/n) doesn't (Wilson 1927; Brown, Cai
and DasGupta 2001).
"""

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from statistics import NormalDist

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """From `lower` to `upper`, both included."""

    lower: float
    upper: float

    def __contains__(self, value: float) -> bool:
        return self.lower <= value <= self.upper


def wilson(successes: int, rows: int, level: float = LEVEL) -> Interval | None:
    """Where the true share lies, that made `successes` of `rows`; nowhere known without rows."""
    return wilson_of_rate(successes / rows, rows, level) if rows > 0 else None


def wilson_of_rate(rate: float, rows: float, level: float = LEVEL) -> Interval:
    """The same for a rate that is worth `rows` independent rows, a fraction of one allowed."""
    z = normal_quantile(level)
    spread = z * sqrt(rate * (1 - rate) / rows + z * z / (4 * rows * rows))
    scale = 1 + z * z / rows
    centre = rate + z * z / (2 * rows)
    lower, upper = (centre - spread) / scale, (centre + spread) / scale
    # Rounding must not leave out the rate: 0 where nothing was counted, 1 where everything was.
    return Interval(min(rate, max(0.0, lower)), max(rate, min(1.0, upper)))


def ends(interval: Interval | None) -> list[float] | None:
    """An interval as JSON carries it."""
    return None if interval is None else [interval.lower, interval.upper]


@lru_cache(maxsize=32)
def normal_quantile(level: float) -> float:
    """How many standard deviations on both sides hold this share of a normal distribution."""
    return NormalDist().inv_cdf(0.5 + level / 2)
