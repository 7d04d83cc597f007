"""What a version's answers to rows with known labels come to: every score that they allow.

Rows whose answer isn't finite are wrong ones: they count, and are told as `non_finite`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from service.quality.calibration import equal_width, reliability
from service.quality.confusion import count
from service.quality.multilabel import count_labels, score_labels
from service.quality.proper_scores import brier, brier_of_classes, log_loss, log_loss_of_classes
from service.quality.ranking import pr_auc, rank_classes, roc_auc
from service.quality.regression import add_up, score_values
from service.quality.score_counts import count_scores
from service.quality.scores import score

MAX_CLASSES = 2000  # a confusion matrix has the square of them
MAX_RANKED = 200  # classes; each costs a sort of all rows
AVERAGES = ("macro", "micro", "weighted")
PARTS = ("precision", "recall", "f1")


@dataclass(frozen=True, slots=True, eq=False)
class Evaluated:
    """`scores` is plain JSON; `metrics` are those of it that have a name and a value of their own.

    `confusion` has rows true, columns predicted. `correct` tells of each row whether it was
    right; there is none for numbers.
    """

    rows: int
    scores: dict[str, Any]
    metrics: dict[str, float]
    confusion: np.ndarray | None = None
    correct: np.ndarray | None = None

    def recalls(self) -> dict[str, tuple[float | None, int]]:
        """Recall and support of each class, by its label or else its index."""
        return recalls_of(self.scores)


def recalls_of(scores: dict[str, Any]) -> dict[str, tuple[float | None, int]]:
    """Recall and support of each class out of scores as they are kept."""
    return {
        str(one.get("label", one["index"])): (one["recall"], one["support"])
        for one in scores.get("classes", ())
    }


def evaluate_classes(
    true: np.ndarray,
    predicted: np.ndarray,
    values: np.ndarray,
    labels: Sequence[str] = (),
) -> Evaluated:
    """Of class indices, true and decided, and the scores of all classes: (rows, classes).

    Two classes may have a single score, (rows,), that of the second one.
    """
    finite = _finite_rows(values)
    correct = (true == predicted) & finite
    found: dict[str, Any] = {"rows": len(true), "non_finite": int((~finite).sum())}
    classes = max(2, values.shape[1] if values.ndim == 2 else 2)
    matrix = None
    if classes <= MAX_CLASSES:
        matrix = count(true, _wrong_where(~finite, true, predicted, classes), classes)
        found |= score(matrix).as_json(labels)
    else:
        found["accuracy"] = float(correct.mean()) if len(true) else None
    if len(true) and finite.all():
        found |= _graded(true, predicted, values)
    return Evaluated(len(true), found, flat_metrics(found), matrix, correct)


def evaluate_values(true: np.ndarray, predicted: np.ndarray) -> Evaluated:
    """Of numbers, one or several a row."""
    rows = len(true)
    finite = _finite_rows(predicted)
    scores = score_values(add_up(true.reshape(-1), predicted.reshape(-1))).as_json()
    found = {**scores, "rows": rows, "non_finite": int((~finite).sum())}
    return Evaluated(rows, found, flat_metrics(found))


def evaluate_sets(
    true: np.ndarray, chosen: np.ndarray, values: np.ndarray, labels: Sequence[str] = ()
) -> Evaluated:
    """Of several labels at once, each on or off, true and decided, and their scores: all of shape
    (rows, labels).
    """
    finite = _finite_rows(values)
    chosen = np.where(finite[:, None], chosen, ~true.astype(bool))
    found = score_labels(count_labels(true, chosen)).as_json(labels)
    found["non_finite"] = int((~finite).sum())
    if len(true) and finite.all():
        counts = count_scores(true.reshape(-1), values.reshape(-1))
        found |= {"log_loss": log_loss(counts), "brier": brier(counts)}
    correct = (chosen == true.astype(bool)).all(axis=1)
    return Evaluated(len(true), found, flat_metrics(found), None, correct)


def _finite_rows(values: np.ndarray) -> np.ndarray:
    """Which rows have nothing but finite numbers."""
    rows: np.ndarray = np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
    return rows


def _wrong_where(
    is_broken: np.ndarray, true: np.ndarray, predicted: np.ndarray, classes: int
) -> np.ndarray:
    """The decisions, those out of no numbers replaced by a class that isn't the true one."""
    return np.where(is_broken, (true + 1) % classes, predicted)


def _graded(true: np.ndarray, predicted: np.ndarray, values: np.ndarray) -> dict[str, Any]:
    """What the scores tell beyond the decisions: ranking, calibration, what they cost."""
    if values.ndim == 1:
        counts = count_scores(true == 1, values)
        decided = np.where(predicted == 1, values, 1 - values)
        found: dict[str, Any] = {
            "roc_auc": roc_auc(counts), "pr_auc": pr_auc(counts),
            "log_loss": log_loss(counts), "brier": brier(counts),
        }  # fmt: skip
    else:
        decided = values[np.arange(len(values)), predicted]
        found = {
            "log_loss": log_loss_of_classes(true, values), "brier": brier_of_classes(true, values),
            **_ranked(true, values),
        }  # fmt: skip
    bins = reliability(count_scores(true == predicted, decided), equal_width())
    if bins is not None:
        found["calibration"] = {
            "ece": bins.ece(), "mce": bins.mce(), "overconfidence": bins.overconfidence(),
            "bins": bins.bins(),
        }  # fmt: skip
    return found


def _ranked(true: np.ndarray, values: np.ndarray) -> dict[str, Any]:
    if values.shape[1] > MAX_RANKED:
        return {}
    ranking = rank_classes(true, values)
    return {
        "roc_auc": ranking.macro_roc_auc,
        "pr_auc": ranking.macro_pr_auc,
        "ranking": {"roc_auc": list(ranking.roc_auc), "pr_auc": list(ranking.pr_auc)},
    }


def flat_metrics(scores: dict[str, Any]) -> dict[str, float]:
    """The numbers that have a name: what rules, comparisons and metrics speak of."""
    found: dict[str, Any] = {
        name: value for name, value in scores.items() if isinstance(value, int | float)
    }
    for average in AVERAGES:
        found |= {f"{average}_{part}": scores.get(average, {}).get(part) for part in PARTS}
    found |= {part: (scores.get("positive") or {}).get(part) for part in PARTS}
    found["ece"] = scores.get("calibration", {}).get("ece")
    whole = ("rows", "right", "unusable", "mape_rows")
    return {
        name: float(value)
        for name, value in found.items()
        if value is not None and name not in whole
    }
