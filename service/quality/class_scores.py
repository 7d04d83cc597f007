"""The scores of one class out of its four counts, and their averages over classes.

A ratio whose rows are fewer than `min_support` has no value: None, never a lucky 0 or 1. What its
rows are differs: for precision those said to be of the class, for recall those that are, for F1
those that are or are said to be, for specificity those that aren't.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from service.quality.intervals import LEVEL, Interval, ends, wilson


@dataclass(frozen=True, slots=True)
class ClassScores:
    """One class against all others."""

    index: int
    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int
    min_support: int = 1
    level: float = LEVEL

    @property
    def support(self) -> int:
        """Rows that are of the class."""
        return self.true_positives + self.false_negatives

    @property
    def predicted(self) -> int:
        """Rows that were said to be of the class."""
        return self.true_positives + self.false_positives

    @property
    def involved(self) -> int:
        """Rows that are of the class or were said to be."""
        return self.support + self.false_positives

    @property
    def rows(self) -> int:
        """All rows."""
        return self.involved + self.true_negatives

    @property
    def precision(self) -> float | None:
        """Of the rows said to be of the class, the share that is."""
        return ratio(self.true_positives, self.predicted, self.min_support)

    @property
    def precision_interval(self) -> Interval | None:
        """Where the true precision lies."""
        return self._interval(self.true_positives, self.predicted)

    @property
    def recall(self) -> float | None:
        """Of the rows of the class, the share that was found."""
        return ratio(self.true_positives, self.support, self.min_support)

    @property
    def recall_interval(self) -> Interval | None:
        """Where the true recall lies."""
        return self._interval(self.true_positives, self.support)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; 0, not undefined, where nothing was found."""
        if self.involved < max(1, self.min_support):
            return None
        return 2 * self.true_positives / (self.support + self.predicted)

    @property
    def specificity(self) -> float | None:
        """Of the rows of other classes, the share that wasn't said to be of this one."""
        return ratio(self.true_negatives, self.rows - self.support, self.min_support)

    @property
    def prevalence(self) -> float | None:
        """The share of the rows that are of the class."""
        return ratio(self.support, self.rows, self.min_support)

    def as_json(self, labels: Sequence[str] = ()) -> dict[str, Any]:
        """Everything, as answers and stored results carry it."""
        named = {"label": labels[self.index]} if labels else {}
        return {
            "index": self.index, **named,
            "support": self.support, "predicted": self.predicted,
            "true_positives": self.true_positives, "false_positives": self.false_positives,
            "false_negatives": self.false_negatives, "true_negatives": self.true_negatives,
            "precision": self.precision, "precision_interval": ends(self.precision_interval),
            "recall": self.recall, "recall_interval": ends(self.recall_interval),
            "f1": self.f1, "specificity": self.specificity, "prevalence": self.prevalence,
        }  # fmt: skip

    def _interval(self, successes: int, rows: int) -> Interval | None:
        is_enough = rows >= max(1, self.min_support)
        return wilson(successes, rows, self.level) if is_enough else None


@dataclass(frozen=True, slots=True)
class Average:
    """Precision, recall and F1 of all classes together."""

    precision: float | None
    recall: float | None
    f1: float | None

    def as_json(self) -> dict[str, float | None]:
        """The three."""
        return {"precision": self.precision, "recall": self.recall, "f1": self.f1}


def macro(classes: Sequence[ClassScores]) -> Average:
    """Every class counts the same, whatever its size.

    A class that a score says nothing about (no rows at all) is left out. One that has rows, but
    fewer than `min_support`, takes the average's value away: without it, it would be flattered.
    """
    return Average(
        mean([c.precision for c in classes if c.predicted]),
        mean([c.recall for c in classes if c.support]),
        mean([c.f1 for c in classes if c.involved]),
    )


def micro(classes: Sequence[ClassScores], min_support: int = 1) -> Average:
    """The counts of all classes added: every decision counts the same."""
    right = sum(c.true_positives for c in classes)
    predicted = sum(c.predicted for c in classes)
    support = sum(c.support for c in classes)
    is_enough = max(support, predicted) >= max(1, min_support)
    return Average(
        ratio(right, predicted, min_support),
        ratio(right, support, min_support),
        2 * right / (support + predicted) if is_enough else None,
    )


def weighted(classes: Sequence[ClassScores], min_support: int = 1) -> Average:
    """Every class counts by its support; small ones weigh little, so that all are in."""
    if sum(c.support for c in classes) < max(1, min_support):
        return Average(None, None, None)
    return Average(
        _weigh(classes, lambda c: (c.true_positives, c.predicted)),
        _weigh(classes, lambda c: (c.true_positives, c.support)),
        _weigh(classes, lambda c: (2 * c.true_positives, c.support + c.predicted)),
    )


def ratio(part: int, whole: int, min_support: int = 1) -> float | None:
    """The share, or no value where it stands on too few rows."""
    return part / whole if whole >= max(1, min_support) else None


def mean(values: Sequence[float | None]) -> float | None:
    """The mean, if there are values and none is missing."""
    present = [value for value in values if value is not None]
    if not values or len(present) < len(values):
        return None
    return sum(present) / len(present)


def _weigh(
    classes: Sequence[ClassScores], share: Callable[[ClassScores], tuple[int, int]]
) -> float | None:
    parts = [(share(c), c.support) for c in classes]
    defined = [(part / whole, weight) for (part, whole), weight in parts if whole]
    total = sum(weight for _, weight in defined)
    return sum(value * weight for value, weight in defined) / total if total else None
