"""How well scores order the rows, whatever the threshold: areas under the ROC and PR curves."""

from dataclasses import dataclass

import numpy as np

from service.quality.class_scores import mean
from service.quality.score_counts import ScoreCounts, count_scores


def roc_auc(counts: ScoreCounts, min_support: int = 1) -> float | None:
    """The chance that a positive row has a higher score than a negative one; equals count half.

    No value without `min_support` rows of both kinds.
    """
    if not _is_enough(counts, min_support):
        return None
    negatives = counts.negatives.astype(np.float64)
    below = np.cumsum(negatives) - negatives / 2
    beaten = float(np.dot(counts.positives.astype(np.float64), below))
    return beaten / counts.positive_rows / counts.negative_rows


def pr_auc(counts: ScoreCounts, min_support: int = 1) -> float | None:
    """Average precision: the precision at each score, weighted by the recall that it adds.

    Guessing gets the prevalence. Without negative rows that is 1, which says nothing: no value.
    """
    if not _is_enough(counts, min_support):
        return None
    positives = counts.positives[::-1].astype(np.float64)
    found = np.cumsum(positives)
    chosen = np.cumsum((counts.positives + counts.negatives)[::-1])
    precision = found / np.maximum(chosen, 1)  # an empty bin at the top adds nothing
    return float(np.dot(precision, positives)) / counts.positive_rows


@dataclass(frozen=True, slots=True)
class ClassRanking:
    """The areas of each class against all others, and their means over the classes that occur."""

    roc_auc: tuple[float | None, ...]
    pr_auc: tuple[float | None, ...]
    macro_roc_auc: float | None
    macro_pr_auc: float | None


def rank_classes(true: np.ndarray, scores: np.ndarray, min_support: int = 1) -> ClassRanking:
    """One against the rest for class indices and scores of shape (rows, classes).

    It sorts once a class: meant for evaluations of up to some hundred classes.
    """
    every = [count_scores(true == i, scores[:, i]) for i in range(scores.shape[1])]
    roc = [roc_auc(counts, min_support) for counts in every]
    pr = [pr_auc(counts, min_support) for counts in every]
    occurs = [counts.positive_rows > 0 for counts in every]
    return ClassRanking(
        tuple(roc),
        tuple(pr),
        mean([area for area, is_there in zip(roc, occurs, strict=True) if is_there]),
        mean([area for area, is_there in zip(pr, occurs, strict=True) if is_there]),
    )


def _is_enough(counts: ScoreCounts, min_support: int) -> bool:
    return min(counts.positive_rows, counts.negative_rows) >= max(1, min_support)
