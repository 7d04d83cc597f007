"""From what a request says of feedback to the choice of rows."""

from service.capture.choice import MOST_ROWS, Choice
from service.recipe.data import FromFeedback, seconds


def choice_of(asked: FromFeedback, now: float, seed: int = 0) -> Choice:
    """The choice that is asked for; `30d` is so long before `now`."""
    return Choice(
        since=_milliseconds(seconds(asked.since, now)),
        until=_milliseconds(seconds(asked.until, now)),
        versions=frozenset(asked.versions) or None,
        limit=min(asked.limit or MOST_ROWS, MOST_ROWS),
        balanced=asked.balanced,
        seed=seed,
    )


def _milliseconds(at: float | None) -> int | None:
    return None if at is None else round(at * 1000)
