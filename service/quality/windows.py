"""Spans of time by when predictions were made: whole hours, and what is left at their ends.

Labels are added up by the hour, so that a week is 168 sums and not all its rows; rows are read for
the parts of an hour at the ends alone, and the count is still exact to the millisecond.
"""

from collections.abc import Mapping
from dataclasses import dataclass

SECOND = 1000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
# None is everything.
WINDOWS: Mapping[str, int | None] = {"1h": HOUR, "1d": DAY, "7d": 7 * DAY, "all": None}


@dataclass(frozen=True, slots=True)
class Span:
    """From `since` on, and before `until`, in milliseconds since 1970; None is without an end."""

    since: int | None = None
    until: int | None = None

    @property
    def hours(self) -> tuple[int | None, int | None]:
        """The whole hours: from the first one on, before the second one; may be none."""
        first = None if self.since is None else next_hour(self.since)
        last = None if self.until is None else hour_of(self.until)
        return first, last

    @property
    def ends(self) -> tuple[tuple[int, int], ...]:
        """The spans that are left, each from a moment on and before another one."""
        since, until = self.since, self.until
        if since is not None and until is not None and next_hour(since) > hour_of(until):
            found = [(since, until)]  # within one hour
        else:
            before = [] if since is None else [(since, next_hour(since) * HOUR)]
            found = before + ([] if until is None else [(hour_of(until) * HOUR, until)])
        return tuple(end for end in found if end[0] < end[1])

    @property
    def touched(self) -> tuple[int | None, int | None]:
        """The hours of which any part is inside: from the first one on, before the second one."""
        first = None if self.since is None else hour_of(self.since)
        last = None if self.until is None else next_hour(self.until)
        return first, last


def window(name: str, now: int) -> Span:
    """The span of one of `WINDOWS` that ends now.

    It is open at its end: another replica's clock may be ahead.
    """
    length = WINDOWS[name]
    return Span(None if length is None else now - length)


def hour_of(at: int) -> int:
    """The number of the hour in which a moment is."""
    return at // HOUR


def next_hour(at: int) -> int:
    """The number of the first hour that doesn't begin before a moment."""
    return -(-at // HOUR)
