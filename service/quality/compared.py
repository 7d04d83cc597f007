"""Two versions on the same data: how far apart their scores are, and what that shows."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from service.quality.comparison import Verdict, compare, count_pairs
from service.quality.store_evaluations import StoredEvaluation
from service.recipe.gate import LOWER_IS_BETTER


@dataclass(frozen=True, slots=True)
class Compared:
    """B against A; `gains` are above 0 where B is better, whichever way a metric points.

    `verdict` is none for numbers, of which none is right or wrong.
    """

    a: StoredEvaluation
    b: StoredEvaluation
    gains: dict[str, float]
    verdict: Verdict | None

    def as_json(self) -> dict[str, Any]:
        """Everything, as answers and results of jobs carry it."""
        return {
            "a": self.a.version, "b": self.b.version, "dataset": self.b.dataset,
            "data_sha256": self.b.data_sha256, "rows": self.b.rows,
            "metrics": {
                name: {"a": self.a.metrics[name], "b": self.b.metrics[name], "gain": gain}
                for name, gain in self.gains.items()
            },
            "verdict": None if self.verdict is None else self.verdict.as_json(),
        }  # fmt: skip


def compare_evaluations(a: StoredEvaluation, b: StoredEvaluation, alpha: float = 0.05) -> Compared:
    """Is B better than A? Both are evaluations of the same rows, with `correct`.

    Raises ValueError for those of other rows.
    """
    if (a.data_sha256, a.rows) != (b.data_sha256, b.rows):
        raise ValueError("evaluations of different rows tell nothing of each other")
    gains = {
        name: _gain(name, a.metrics[name], b.metrics[name])
        for name in a.metrics
        if name in b.metrics
    }
    verdict = None
    if a.correct and b.correct:
        verdict = compare(count_pairs(right_rows(a), right_rows(b)), alpha=alpha)
    return Compared(a, b, gains, verdict)


def right_rows(evaluation: StoredEvaluation) -> np.ndarray:
    """Which rows it was right on, in the data's order."""
    bits = np.frombuffer(evaluation.correct, np.uint8)
    return np.unpackbits(bits, count=evaluation.rows).astype(bool)


def _gain(name: str, a: float, b: float) -> float:
    return a - b if name in LOWER_IS_BETTER else b - a
