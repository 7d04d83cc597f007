"""Brier score and log loss: what probabilities cost that aren't the true ones.

Both are least in the mean for who states what he believes ("proper"), so that they can't be
improved by exaggerating. Scores that can't be probabilities have no value.
"""

import numpy as np

from service.quality.score_counts import ScoreCounts

SMALLEST = float(np.finfo(np.float64).eps)


def brier(counts: ScoreCounts, min_support: int = 1) -> float | None:
    """Mean squared distance of the score from 1 for positive rows, from 0 for the others."""
    if counts.rows < max(1, min_support) or not counts.is_probability:
        return None
    cost = np.dot(counts.positives, (1 - counts.score) ** 2)
    cost += np.dot(counts.negatives, counts.score**2)
    return float(cost) / counts.rows


def log_loss(counts: ScoreCounts, min_support: int = 1, smallest: float = SMALLEST) -> float | None:
    """Mean of -ln of the probability of what came true, none taken below `smallest`.

    One row that was held for impossible costs -ln(smallest), 36 by default: where scores are
    rounded, half of their step is the right one.
    """
    if counts.rows < max(1, min_support) or not counts.is_probability:
        return None
    score = np.clip(counts.score, smallest, 1 - smallest)
    cost = np.dot(counts.positives, -np.log(score))
    cost += np.dot(counts.negatives, -np.log1p(-score))
    return float(cost) / counts.rows


def brier_of_classes(
    true: np.ndarray, probabilities: np.ndarray, min_support: int = 1
) -> float | None:
    """Brier's own form, 0 to 2: squared distances summed over classes; shape (rows, classes)."""
    if len(true) < max(1, min_support) or not _are_probabilities(probabilities):
        return None
    of_true = probabilities[np.arange(len(true)), true].astype(np.float64)
    squares = np.square(probabilities, dtype=np.float64).sum(axis=1)
    return float(np.mean(squares - 2 * of_true + 1))


def log_loss_of_classes(
    true: np.ndarray, probabilities: np.ndarray, min_support: int = 1, smallest: float = SMALLEST
) -> float | None:
    """Mean of -ln of the true class's probability; shape (rows, classes)."""
    if len(true) < max(1, min_support) or not _are_probabilities(probabilities):
        return None
    of_true = probabilities[np.arange(len(true)), true].astype(np.float64)
    return float(np.mean(-np.log(np.clip(of_true, smallest, 1 - smallest))))


def _are_probabilities(values: np.ndarray) -> bool:
    """Whether all lie between 0 and 1; NaN doesn't."""
    return bool(np.all((values >= 0) & (values <= 1)))
