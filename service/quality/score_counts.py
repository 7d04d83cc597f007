"""How many positive and negative rows had each score: all that ranking and calibration need.

Positive is what the score is about: a class's rows for the class's score, the rows that were right
for the confidence in the decision. Rows of equal score stand together, so that a hundred thousand
rows of a 16-bit score, or a histogram of bins, are one small table, and two are merged by adding.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class ScoreCounts:
    """Distinct scores, rising (float64), with how many rows had them (int64)."""

    score: np.ndarray
    positives: np.ndarray
    negatives: np.ndarray

    @property
    def positive_rows(self) -> int:
        """Rows that are positive."""
        return int(self.positives.sum())

    @property
    def negative_rows(self) -> int:
        """Rows that aren't."""
        return int(self.negatives.sum())

    @property
    def rows(self) -> int:
        """All rows."""
        return self.positive_rows + self.negative_rows

    @property
    def is_probability(self) -> bool:
        """Whether the scores can be probabilities; logits can't."""
        return not len(self.score) or bool(self.score[0] >= 0 and self.score[-1] <= 1)

    def __add__(self, other: "ScoreCounts") -> "ScoreCounts":
        score = np.concatenate([self.score, other.score])
        positives = np.concatenate([self.positives, other.positives])
        return group(score, positives, np.concatenate([self.negatives, other.negatives]))


def count_scores(is_positive: np.ndarray, score: np.ndarray) -> ScoreCounts:
    """The counts of rows."""
    chosen = np.asarray(is_positive, bool)
    return group(score, chosen.astype(np.int64), (~chosen).astype(np.int64))


def group(score: np.ndarray, positives: np.ndarray, negatives: np.ndarray) -> ScoreCounts:
    """The counts of scores that may come several times: a histogram's, a query's groups."""
    if score.ndim != 1 or not score.shape == positives.shape == negatives.shape:
        raise ValueError(f"shapes {score.shape} and {positives.shape}: expected equal (rows,)")
    if np.isnan(score).any():
        raise ValueError("a score is NaN: rows without a score belong to another count")
    distinct, place = np.unique(np.asarray(score, np.float64), return_inverse=True)
    return ScoreCounts(
        distinct, _add_up(place, positives, distinct), _add_up(place, negatives, distinct)
    )


def _add_up(place: np.ndarray, rows: np.ndarray, distinct: np.ndarray) -> np.ndarray:
    """Sums by place; of integers, for floats can't hold every count."""
    sums = np.zeros(len(distinct), np.int64)
    np.add.at(sums, place, np.asarray(rows, np.int64))
    return sums
