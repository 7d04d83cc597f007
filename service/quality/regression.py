"""How far predicted values are from the true ones: from sums that a database can add up.

An error is predicted minus true, so that a positive bias means too much.
"""

from dataclasses import dataclass
from math import fsum, isfinite, sqrt
from typing import Any

import numpy as np

MAPE_SMALLEST = 1e-6
# Sum of squares minus square of the sum: below this share of the first, too few digits are left.
LEAST_SPREAD = 1e-10


@dataclass(frozen=True, slots=True)
class RegressionSums:
    """Sums over rows; those of two sets of rows are added.

    `unusable` counts rows whose error is no finite number: they are in no sum, and not forgotten.
    `percent` sums |error / true| over `percent_rows`.
    """

    rows: int = 0
    error: float = 0.0
    absolute: float = 0.0
    squared: float = 0.0
    true: float = 0.0
    true_squared: float = 0.0
    percent: float = 0.0
    percent_rows: int = 0
    unusable: int = 0

    def __add__(self, other: "RegressionSums") -> "RegressionSums":
        return RegressionSums(
            self.rows + other.rows,
            self.error + other.error,
            self.absolute + other.absolute,
            self.squared + other.squared,
            self.true + other.true,
            self.true_squared + other.true_squared,
            self.percent + other.percent,
            self.percent_rows + other.percent_rows,
            self.unusable + other.unusable,
        )


@dataclass(frozen=True, slots=True)
class RegressionScores:
    """None is "no value"; `bias` is the mean error."""

    rows: int
    unusable: int
    mae: float | None
    rmse: float | None
    bias: float | None
    r2: float | None
    mape: float | None
    mape_rows: int

    def as_json(self) -> dict[str, Any]:
        """Everything, as answers and stored results carry it."""
        return {
            "rows": self.rows, "unusable": self.unusable,
            "mae": self.mae, "rmse": self.rmse, "bias": self.bias, "r2": self.r2,
            "mape": self.mape, "mape_rows": self.mape_rows,
        }  # fmt: skip


def add_up(
    true: np.ndarray, predicted: np.ndarray, mape_smallest: float = MAPE_SMALLEST
) -> RegressionSums:
    """The sums of rows; MAPE leaves out true values that are this close to 0."""
    if true.shape != predicted.shape or true.ndim != 1:
        raise ValueError(f"shapes {true.shape} and {predicted.shape}: expected equal (rows,)")
    y, p = np.asarray(true, np.float64), np.asarray(predicted, np.float64)
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is found by isfinite
        error = p - y
        usable = np.isfinite(error)
        y, error = y[usable], error[usable]
        squared, true_squared = _total(error * error), _total(y * y)
    is_large = np.abs(y) > mape_smallest
    return RegressionSums(
        rows=len(y),
        error=_total(error),
        absolute=_total(np.abs(error)),
        squared=squared,
        true=_total(y),
        true_squared=true_squared,
        percent=_total(np.abs(error[is_large] / y[is_large])),
        percent_rows=int(is_large.sum()),
        unusable=int(len(usable) - usable.sum()),
    )


def score_values(sums: RegressionSums, min_support: int = 1) -> RegressionScores:
    """The scores of these sums; none from fewer than `min_support` rows."""
    least = max(1, min_support)
    has_value = sums.rows >= least
    return RegressionScores(
        rows=sums.rows,
        unusable=sums.unusable,
        mae=_finite(sums.absolute / sums.rows) if has_value else None,
        rmse=_finite(sqrt(max(0.0, sums.squared) / sums.rows)) if has_value else None,
        bias=_finite(sums.error / sums.rows) if has_value else None,
        r2=_r2(sums) if has_value else None,
        mape=_finite(sums.percent / sums.percent_rows) if sums.percent_rows >= least else None,
        mape_rows=sums.percent_rows,
    )


def _r2(sums: RegressionSums) -> float | None:
    """1 - squared errors / those of always saying the mean; none if the truth hardly varies."""
    spread = sums.true_squared - sums.true * sums.true / sums.rows
    if not isfinite(spread) or spread <= LEAST_SPREAD * sums.true_squared:
        return None
    return _finite(1 - sums.squared / spread)


def _total(values: np.ndarray) -> float:
    """The sum without rounding on the way; infinite where it overflows."""
    try:
        return fsum(values.tolist())
    except OverflowError:
        return float("inf")


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None
