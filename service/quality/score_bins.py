"""The bins that scores of decisions are counted in, the same ones for ever, so that counts add up.

Most versions are sure of most rows, so the bins are narrow where scores crowd. A bin has its upper
edge and not its lower one.
"""

from bisect import bisect_left

import numpy as np

from service.quality.predicted import FULL_SCORE, NO_SCORE

EDGES = (
    0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.999, 1.0,
)  # fmt: skip
BINS = len(EDGES) - 1
LAST_STEPS = tuple(int(edge * FULL_SCORE) for edge in EDGES[1:-1])


def bin_of_step(step: int) -> int:
    """The bin of a score in steps."""
    return bisect_left(LAST_STEPS, step)


def count_steps(steps: np.ndarray) -> list[int]:
    """How many rows are in each bin; those without a score are in none."""
    places = np.searchsorted(LAST_STEPS, steps[steps != NO_SCORE], side="left")
    counts: list[int] = np.bincount(places, minlength=BINS).tolist()
    return counts
