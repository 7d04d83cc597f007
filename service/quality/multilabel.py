"""How good yes-or-no answers to several labels at once are, as a vector of sigmoids gives them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from service.quality.class_scores import (
    Average,
    ClassScores,
    macro,
    micro,
    ratio,
    weighted,
)
from service.quality.intervals import LEVEL, Interval, ends, wilson


@dataclass(frozen=True, slots=True, eq=False)
class LabelCounts:
    """What the scores are made of; those of two sets of rows are added.

    `jaccard` sums the rows' Jaccard indices over `named_rows`, which have a label, true or
    predicted.
    """

    rows: int
    true_positives: np.ndarray  # int64, one a label
    false_positives: np.ndarray
    false_negatives: np.ndarray
    exact_rows: int
    jaccard: float
    named_rows: int

    def __add__(self, other: "LabelCounts") -> "LabelCounts":
        return LabelCounts(
            self.rows + other.rows,
            self.true_positives + other.true_positives,
            self.false_positives + other.false_positives,
            self.false_negatives + other.false_negatives,
            self.exact_rows + other.exact_rows,
            self.jaccard + other.jaccard,
            self.named_rows + other.named_rows,
        )


@dataclass(frozen=True, slots=True)
class LabelScores:
    """None is "no value". `classes` has a 2 x 2 confusion matrix for each label."""

    rows: int
    classes: tuple[ClassScores, ...]
    macro: Average
    micro: Average
    weighted: Average
    subset_accuracy: float | None
    subset_accuracy_interval: Interval | None
    hamming_loss: float | None
    jaccard: float | None

    def as_json(self, labels: Sequence[str] = ()) -> dict[str, Any]:
        """Everything, as answers and stored results carry it."""
        return {
            "rows": self.rows,
            "subset_accuracy": self.subset_accuracy,
            "subset_accuracy_interval": ends(self.subset_accuracy_interval),
            "hamming_loss": self.hamming_loss, "jaccard": self.jaccard,
            "macro": self.macro.as_json(), "micro": self.micro.as_json(),
            "weighted": self.weighted.as_json(),
            "classes": [one.as_json(labels) for one in self.classes],
        }  # fmt: skip


def count_labels(true: np.ndarray, predicted: np.ndarray) -> LabelCounts:
    """The counts of two arrays of 0 and 1 of shape (rows, labels)."""
    if true.shape != predicted.shape or true.ndim != 2:
        raise ValueError(
            f"shapes {true.shape} and {predicted.shape}: expected equal (rows, labels)"
        )
    t, p = true.astype(bool), predicted.astype(bool)
    both, either = (t & p).sum(axis=1), (t | p).sum(axis=1)
    is_named = either > 0
    return LabelCounts(
        rows=len(t),
        true_positives=(t & p).sum(axis=0, dtype=np.int64),
        false_positives=(~t & p).sum(axis=0, dtype=np.int64),
        false_negatives=(t & ~p).sum(axis=0, dtype=np.int64),
        exact_rows=int((both == either).sum()),
        jaccard=float((both[is_named] / either[is_named]).sum()),
        named_rows=int(is_named.sum()),
    )


def score_labels(counts: LabelCounts, min_support: int = 1, level: float = LEVEL) -> LabelScores:
    """The scores of these counts.

    A row without any label, true or predicted, is right in the subset accuracy, and in no Jaccard
    index: nothing was found in it, so that it would only dilute what was.
    """
    every = zip(
        counts.true_positives.tolist(),
        counts.false_positives.tolist(),
        counts.false_negatives.tolist(),
        strict=True,
    )
    classes = tuple(
        ClassScores(i, tp, fp, fn, counts.rows - tp - fp - fn, min_support, level)
        for i, (tp, fp, fn) in enumerate(every)
    )
    is_enough = counts.rows >= max(1, min_support)
    wrong = sum(c.false_positives + c.false_negatives for c in classes)
    return LabelScores(
        rows=counts.rows,
        classes=classes,
        macro=macro(classes),
        micro=micro(classes, min_support),
        weighted=weighted(classes, min_support),
        subset_accuracy=ratio(counts.exact_rows, counts.rows, min_support),
        subset_accuracy_interval=(
            wilson(counts.exact_rows, counts.rows, level) if is_enough else None
        ),
        hamming_loss=wrong / (counts.rows * len(classes)) if is_enough and classes else None,
        jaccard=(
            counts.jaccard / counts.named_rows if counts.named_rows >= max(1, min_support) else None
        ),
    )
