"""Times of rows, which a split by time goes by: numbers as they are, or ISO 8601 in seconds."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from service.data.values import plain_number

WANTED = "a number, or a time such as 2026-11-30T08:00:00Z"
UNREADABLE = "times that can't be read"


def read_time(value: Any) -> float | None:
    """One time; without a zone it is UTC. None for what is no time."""
    if isinstance(value, str):
        number = plain_number(value)
        return _moment(value.strip()) if number is None else number
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        return float(value) if is_number else None
    except OverflowError:
        return None


def read_times(values: Sequence[Any], note: Callable[[list[int]], None]) -> np.ndarray:
    """The times of some rows; which of them are none is noted, and 0 stands for those."""
    times = [read_time(value) for value in values]
    bad = [index for index, time in enumerate(times) if time is None]
    if bad:
        note(bad)
    return np.array([0.0 if time is None else time for time in times])


def _moment(text: str) -> float | None:
    try:
        told = datetime.fromisoformat(text)
        told = told.replace(tzinfo=UTC) if told.tzinfo is None else told
        return told.timestamp()
    except (ValueError, OverflowError):
        return None
