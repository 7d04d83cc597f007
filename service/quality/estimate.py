"""How accurate a version probably is, before labels arrive: by its own, corrected, confidence.

Rows that have labels teach how often the version is right at each confidence; later rows are then
expected to be right as often. That holds while inputs change, not when what is true of
the same inputs changes: the gap to the accuracy that is realised later tells of that.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from service.quality.calibration import Reliability
from service.quality.intervals import LEVEL, Interval, ends, wilson_of_rate

PRIOR_ROWS = 10.0
MIN_LABELLED_ROWS = 100


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """How often the version is right in each bin of confidence, and how unsure that is."""

    accuracy: np.ndarray  # float64, one a bin
    variance: np.ndarray  # float64, of the accuracy
    rows: np.ndarray  # int64, that it was learnt from


@dataclass(frozen=True, slots=True, eq=False)
class Confidence:
    """How sure a version was: of the rows of a span, by bins, and of those that have labels.

    `before` are labelled rows of predictions from before the span, `everything` all there are.
    """

    predicted: np.ndarray  # int64, one a bin
    before: Reliability
    everything: Reliability


@dataclass(frozen=True, slots=True)
class AccuracyEstimate:
    """What the accuracy of `rows` predictions probably is, whether they have labels or not.

    `covered` is the share of them whose bin had labelled rows of its own; the rest leans on the
    version's confidence, shifted by how much it is overconfident elsewhere.
    """

    accuracy: float
    standard_error: float
    interval: Interval
    rows: int
    labelled_rows: int
    covered: float

    def gap(self, realised: float | None) -> float | None:
        """Estimated minus realised: above 0, the version does worse than it looks."""
        return None if realised is None else self.accuracy - realised

    def as_json(self) -> dict[str, Any]:
        """Everything, as answers and stored results carry it."""
        return {
            "accuracy": self.accuracy, "standard_error": self.standard_error,
            "interval": ends(self.interval), "rows": self.rows,
            "labelled_rows": self.labelled_rows, "covered": self.covered,
        }  # fmt: skip


def learn(
    labelled: Reliability,
    min_rows: int = MIN_LABELLED_ROWS,
    prior_rows: float = PRIOR_ROWS,
) -> Calibration | None:
    """The calibration that labelled rows teach; none from fewer than `min_rows`.

    A bin's accuracy is its m-estimate (right + m·prior) / (rows + m): few rows can't make it 0 or
    1, many outweigh the prior. Its variance is that of the beta distribution with these counts.
    """
    if labelled.total < max(1, min_rows):
        return None
    accuracy = labelled.right + prior_rows * _prior(labelled)
    accuracy /= labelled.rows + prior_rows
    variance = accuracy * (1 - accuracy) / (labelled.rows + prior_rows + 1)
    return Calibration(accuracy, variance, labelled.rows)


def foresee(confidence: Confidence) -> AccuracyEstimate | None:
    """The accuracy of the rows of a span, by what came before it.

    As long as that is too little, its own labelled rows teach as well; the gap is then small by
    its making, unless labels come for rows of another confidence than most.
    """
    calibration = learn(confidence.before) or learn(confidence.everything)
    return estimate(calibration, confidence.predicted)


def estimate(
    calibration: Calibration | None,
    predicted: np.ndarray,
    min_rows: int = 1,
    level: float = LEVEL,
) -> AccuracyEstimate | None:
    """The accuracy of predictions, counted by the calibration's bins; none without calibration.

    Its error has two sources: the calibration isn't known exactly, and so many predictions would
    not be right exactly as often as expected even if it were.
    """
    rows = int(predicted.sum())
    if calibration is None or rows < max(1, min_rows):
        return None
    share = predicted / rows
    accuracy = float(share @ calibration.accuracy)
    by_calibration = float(share**2 @ calibration.variance)
    by_sampling = float(share @ (calibration.accuracy * (1 - calibration.accuracy))) / rows
    variance = by_calibration + by_sampling
    return AccuracyEstimate(
        accuracy=accuracy,
        standard_error=sqrt(variance),
        interval=wilson_of_rate(accuracy, accuracy * (1 - accuracy) / variance, level),
        rows=rows,
        labelled_rows=int(calibration.rows.sum()),
        covered=float(share[calibration.rows > 0].sum()),
    )


def _prior(labelled: Reliability) -> np.ndarray:
    """Each bin's confidence, minus what the version is overconfident by in all bins together.

    Kept within 1/(rows + 2) of the ends (Laplace's rule): nothing is surer than all rows make it.
    """
    prior: np.ndarray = (labelled.edges[:-1] + labelled.edges[1:]) / 2
    np.divide(labelled.score_sum, labelled.rows, out=prior, where=labelled.rows > 0)
    shift = labelled.overconfidence() or 0.0
    closest = 1 / (labelled.total + 2)
    prior -= shift
    np.clip(prior, closest, 1 - closest, out=prior)
    return prior
