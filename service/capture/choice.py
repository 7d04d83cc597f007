"""Which of the labelled rows are learned from: a time, versions, the newest, as many of a class."""

from dataclasses import dataclass

import numpy as np

from service.capture.label_table import parts_of

MOST_ROWS = 5_000_000
STEP, MIX = 0x9E3779B97F4A7C15, (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)  # of SplitMix64


@dataclass(frozen=True, slots=True)
class Choice:
    """Rows of predictions from `since` on and before `until`, in milliseconds since 1970.

    `versions` are those that answered; none is all. Of these rows the newest `limit` are taken. Of
    them, `per_class` is the most of each class, and `balanced` says as many as of the rarest one:
    they are drawn by lot, and the lot depends on the seed and the row alone.
    """

    since: int | None = None
    until: int | None = None
    versions: frozenset[int] | None = None
    limit: int = MOST_ROWS
    per_class: int | None = None
    balanced: bool = False
    seed: int = 0

    @property
    def is_drawn(self) -> bool:
        """True where not all rows of a class may be taken."""
        return self.balanced or self.per_class is not None


def most_of_each(choice: Choice, counts: np.ndarray) -> np.ndarray:
    """How many rows of each class are taken, of so many."""
    taken = counts
    if choice.balanced and counts.any():
        taken = np.minimum(taken, counts[counts > 0].min())
    return taken if choice.per_class is None else np.minimum(taken, choice.per_class)


def draw(choice: Choice, keys: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The places of the rows that are taken, in their order."""
    if not choice.is_drawn:
        return np.arange(len(keys))
    lots = _lots(keys, choice.seed)
    most = most_of_each(choice, np.bincount(classes))
    drawn = [np.zeros(0, np.int64)]
    for index in np.flatnonzero(most):
        places = np.flatnonzero(classes == index)
        drawn.append(places[np.argsort(lots[places], kind="stable")[: most[index]]])
    return np.sort(np.concatenate(drawn))


def _lots(keys: np.ndarray, seed: int) -> np.ndarray:
    """A number for each row that looks as if drawn; ids are as good as random themselves."""
    prediction, _, row = parts_of(keys)
    number = np.ascontiguousarray(prediction).view(np.uint64).reshape(-1, 2)[:, 0].copy()
    number += row.astype(np.uint64) * np.uint64(STEP)
    number ^= np.uint64((seed * MIX[0] + MIX[1]) % 2**64)
    for shift, factor in zip((30, 27), MIX, strict=True):
        number = (number ^ (number >> np.uint64(shift))) * np.uint64(factor)
    lots: np.ndarray = number ^ (number >> np.uint64(31))
    return lots
