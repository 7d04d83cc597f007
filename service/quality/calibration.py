"""Whether a score of 0.8 is right in 8 of 10 rows: reliability by bins, ECE and MCE.

The bins run from 0 to 1, each with its upper edge and without its lower one, the first with both.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from service.quality.class_scores import ratio
from service.quality.intervals import LEVEL, ends, wilson
from service.quality.score_counts import ScoreCounts

BINS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """For each bin its rows, how many were right, and the sum of their scores.

    Two of the same edges are merged by adding, so that a database can keep them as sums.
    """

    edges: np.ndarray  # float64, one more than bins
    rows: np.ndarray  # int64
    right: np.ndarray  # int64
    score_sum: np.ndarray  # float64

    def __add__(self, other: "Reliability") -> "Reliability":
        if not np.array_equal(self.edges, other.edges):
            raise ValueError("only counts of the same bins can be added")
        return Reliability(
            self.edges,
            self.rows + other.rows,
            self.right + other.right,
            self.score_sum + other.score_sum,
        )

    @property
    def total(self) -> int:
        """Rows of all bins."""
        return int(self.rows.sum())

    def overconfidence(self, min_support: int = 1) -> float | None:
        """Mean score minus accuracy: what the model believes of itself beyond what is so."""
        if self.total < max(1, min_support):
            return None
        return float(self.score_sum.sum() - self.right.sum()) / self.total

    def ece(self, min_support: int = 1) -> float | None:
        """Expected calibration error: the bins' distances, weighted by their rows."""
        if self.total < max(1, min_support):
            return None
        return float(np.abs(self.score_sum - self.right).sum()) / self.total

    def mce(self, min_support: int = 1) -> float | None:
        """Maximum calibration error, over the bins that have `min_support` rows."""
        enough = self.rows >= max(1, min_support)
        if not enough.any():
            return None
        distance = np.abs(self.score_sum - self.right)[enough] / self.rows[enough]
        return float(distance.max())

    def bins(self, min_support: int = 1, level: float = LEVEL) -> list[dict[str, Any]]:
        """The reliability diagram: one object a bin, for a chart."""
        return [self._bin(i, min_support, level) for i in range(len(self.rows))]

    def _bin(self, i: int, min_support: int, level: float) -> dict[str, Any]:
        rows, right = int(self.rows[i]), int(self.right[i])
        is_enough = rows >= max(1, min_support)
        return {
            "from": float(self.edges[i]), "to": float(self.edges[i + 1]),
            "rows": rows, "right": right,
            "score": float(self.score_sum[i]) / rows if rows else None,
            "accuracy": ratio(right, rows, min_support),
            "accuracy_interval": ends(wilson(right, rows, level)) if is_enough else None,
        }  # fmt: skip


def reliability(counts: ScoreCounts, edges: np.ndarray) -> Reliability | None:
    """The counts in bins, positive being right; none of scores that can't be probabilities."""
    if not counts.is_probability:
        return None
    place = bin_of(counts.score, edges)
    rows = counts.positives + counts.negatives
    empty = np.zeros(len(edges) - 1, np.int64)
    found = Reliability(edges, empty, empty.copy(), empty.astype(np.float64))
    np.add.at(found.rows, place, rows)
    np.add.at(found.right, place, counts.positives)
    np.add.at(found.score_sum, place, rows * counts.score)
    return found


def equal_width(bins: int = BINS) -> np.ndarray:
    """The edges of bins that are equally wide; the same for everybody, so that counts add up."""
    return np.linspace(0, 1, bins + 1)


def bin_of(scores: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The bin that each score falls into."""
    return np.searchsorted(edges[1:-1], scores, side="left")
