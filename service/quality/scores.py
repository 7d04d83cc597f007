"""How good a version's classes are, computed from a confusion matrix and nothing else.

Sums and products are of Python's integers, so that no count is too large for them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from service.quality import binomial
from service.quality.class_scores import (
    Average,
    ClassScores,
    macro,
    micro,
    ratio,
    weighted,
)
from service.quality.intervals import LEVEL, Interval, ends, wilson


@dataclass(frozen=True, slots=True)
class Scores:
    """Everything that a confusion matrix tells; None is "no value"."""

    rows: int
    right: int
    classes: tuple[ClassScores, ...]
    macro: Average
    micro: Average
    weighted: Average
    accuracy: float | None
    accuracy_interval: Interval | None
    balanced_accuracy: float | None
    mcc: float | None
    kappa: float | None
    no_information_rate: float | None
    no_information_p: float | None

    @property
    def lift(self) -> float | None:
        """How much more often it is right than who always says the most frequent class."""
        if self.accuracy is None or self.no_information_rate is None:
            return None
        return self.accuracy - self.no_information_rate

    @property
    def positive(self) -> ClassScores | None:
        """Of two classes, the one that is looked for: index 1."""
        return self.classes[1] if len(self.classes) == 2 else None

    @property
    def missed(self) -> tuple[int, ...]:
        """Classes that occur, of which not one row was found."""
        return tuple(c.index for c in self.classes if c.recall == 0)

    def as_json(self, labels: Sequence[str] = ()) -> dict[str, Any]:
        """Everything, as answers and stored results carry it."""
        positive = self.positive
        return {
            "rows": self.rows, "right": self.right,
            "accuracy": self.accuracy, "accuracy_interval": ends(self.accuracy_interval),
            "balanced_accuracy": self.balanced_accuracy, "mcc": self.mcc, "kappa": self.kappa,
            "no_information_rate": self.no_information_rate, "lift": self.lift,
            "no_information_p": self.no_information_p,
            "macro": self.macro.as_json(), "micro": self.micro.as_json(),
            "weighted": self.weighted.as_json(),
            "positive": None if positive is None else positive.as_json(labels),
            "missed": list(self.missed),
            "classes": [one.as_json(labels) for one in self.classes],
        }  # fmt: skip


def score(matrix: np.ndarray, min_support: int = 1, level: float = LEVEL) -> Scores:
    """The scores of a confusion matrix, with intervals that hold at this level."""
    found = np.diagonal(matrix).tolist()
    true = matrix.sum(axis=1).tolist()
    predicted = matrix.sum(axis=0).tolist()
    rows, right = sum(true), sum(found)
    classes = tuple(
        ClassScores(i, f, p - f, t - f, rows - t - p + f, min_support, level)
        for i, (f, t, p) in enumerate(zip(found, true, predicted, strict=True))
    )
    macro_average = macro(classes)
    is_enough = rows >= max(1, min_support)
    largest = max(true, default=0)
    return Scores(
        rows=rows,
        right=right,
        classes=classes,
        macro=macro_average,
        micro=micro(classes, min_support),
        weighted=weighted(classes, min_support),
        accuracy=ratio(right, rows, min_support),
        accuracy_interval=wilson(right, rows, level) if is_enough else None,
        balanced_accuracy=macro_average.recall,
        mcc=_mcc(right, rows, true, predicted) if is_enough else None,
        kappa=_kappa(right, rows, true, predicted) if is_enough else None,
        no_information_rate=ratio(largest, rows, min_support),
        no_information_p=binomial.tail(right, rows, largest / rows) if is_enough else None,
    )


def _mcc(right: int, rows: int, true: list[int], predicted: list[int]) -> float | None:
    """Gorodkin's R_K: the correlation of truth and prediction; none if either never varies."""
    true_spread = rows * rows - sum(t * t for t in true)
    predicted_spread = rows * rows - sum(p * p for p in predicted)
    if not true_spread or not predicted_spread:
        return None
    covariance = right * rows - _by_chance(true, predicted)
    return covariance / (sqrt(true_spread) * sqrt(predicted_spread))


def _kappa(right: int, rows: int, true: list[int], predicted: list[int]) -> float | None:
    """Cohen's: agreement beyond chance; none if chance alone makes everything agree."""
    by_chance = _by_chance(true, predicted)
    rest = rows * rows - by_chance
    return (right * rows - by_chance) / rest if rest else None


def _by_chance(true: list[int], predicted: list[int]) -> int:
    return sum(t * p for t, p in zip(true, predicted, strict=True))
