"""A span of time is whole hours and what is left at its ends: nothing twice, nothing missed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.quality.windows import DAY, HOUR, WINDOWS, Span, hour_of, window

moments = st.none() | st.integers(0, 5 * HOUR) | st.integers(0, 5).map(lambda hour: hour * HOUR)


@given(moments, moments, st.integers(0, 5 * HOUR))
def test_each_moment_is_found_once(since: int | None, until: int | None, at: int) -> None:
    span = Span(since, until)
    first, last = span.hours
    hour = hour_of(at)
    found = (first is None or hour >= first) and (last is None or hour < last)
    times = int(found) + sum(since <= at < until for since, until in span.ends)
    is_inside = (since is None or at >= since) and (until is None or at < until)
    assert times == int(is_inside)


@given(moments, moments)
def test_what_is_left_is_less_than_an_hour(since: int | None, until: int | None) -> None:
    ends = Span(since, until).ends
    assert all(0 < until - since < HOUR for since, until in ends)
    assert len(ends) <= 2


def test_every_hour_of_which_a_part_is_inside_is_touched() -> None:
    assert Span(HOUR + 1, 3 * HOUR + 1).touched == (1, 4)
    assert Span(HOUR, 3 * HOUR).touched == (1, 3)
    assert Span().touched == (None, None)


@pytest.mark.parametrize(
    ("name", "since"), [("1h", 9 * DAY - HOUR), ("7d", 2 * DAY), ("all", None)]
)
def test_a_window_has_no_end(name: str, since: int | None) -> None:
    assert name in WINDOWS
    assert window(name, 9 * DAY) == Span(since, None)
