"""Whether version B is really better than A on the same rows: McNemar's test, and a verdict.

Only rows on which the two disagree tell: if B weren't better, each of them would be a coin toss.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import erfc, sqrt
from typing import Any

import numpy as np

from service.quality import binomial
from service.quality.intervals import LEVEL, Interval, ends, normal_quantile

MANY = 10_000  # disagreements from which on the chi-square test decides


class Finding(StrEnum):
    """What a comparison shows."""

    BETTER = "better"
    WORSE = "worse"
    NOT_SHOWN = "not_shown"
    TOO_FEW = "too_few"


@dataclass(frozen=True, slots=True)
class Pairs:
    """Rows by which of the two versions was right; those of two sets of rows are added."""

    both: int = 0
    only_a: int = 0
    only_b: int = 0
    neither: int = 0

    def __add__(self, other: "Pairs") -> "Pairs":
        return Pairs(
            self.both + other.both,
            self.only_a + other.only_a,
            self.only_b + other.only_b,
            self.neither + other.neither,
        )

    @property
    def rows(self) -> int:
        """All rows."""
        return self.both + self.only_a + self.only_b + self.neither

    @property
    def discordant(self) -> int:
        """Rows on which one was right and the other wrong."""
        return self.only_a + self.only_b

    @property
    def gain(self) -> float | None:
        """B's accuracy minus A's."""
        return (self.only_b - self.only_a) / self.rows if self.rows else None

    def gain_interval(self, level: float = LEVEL) -> Interval | None:
        """Where the true gain lies: Agresti and Min (2005), half a row added to each count."""
        if not self.rows:
            return None
        rows, lead = self.rows + 2, self.only_b - self.only_a
        spread = sqrt(self.discordant + 1 - lead * lead / rows) / rows
        reach = normal_quantile(level) * spread
        return Interval(max(-1.0, lead / rows - reach), min(1.0, lead / rows + reach))


@dataclass(frozen=True, slots=True)
class McNemar:
    """The chance of such a split, or a less even one, if both were equally good; two-sided.

    `p` is the one to go by: mid-p, from 10,000 disagreements on that of the chi-square test.
    """

    exact_p: float
    mid_p: float
    chi_square: float
    chi_square_p: float
    p: float
    method: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the comparison shows of B, why, and what speaks against taking it as it stands."""

    finding: Finding
    pairs: Pairs
    test: McNemar | None
    reasons: tuple[str, ...]
    cautions: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Everything, as answers and stored results carry it."""
        return {
            "finding": self.finding.value, "rows": self.pairs.rows,
            "both_right": self.pairs.both, "only_a_right": self.pairs.only_a,
            "only_b_right": self.pairs.only_b, "neither_right": self.pairs.neither,
            "gain": self.pairs.gain,
            "gain_interval": ends(self.pairs.gain_interval()),
            "p": None if self.test is None else self.test.p,
            "method": None if self.test is None else self.test.method,
            "reasons": list(self.reasons), "cautions": list(self.cautions),
        }  # fmt: skip


def count_pairs(a_is_right: np.ndarray, b_is_right: np.ndarray) -> Pairs:
    """The pairs of two arrays of the same rows."""
    a, b = np.asarray(a_is_right, bool), np.asarray(b_is_right, bool)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"shapes {a.shape} and {b.shape}: expected equal (rows,)")
    return Pairs(int((a & b).sum()), int((a & ~b).sum()), int((~a & b).sum()), int((~a & ~b).sum()))


def mcnemar(only_a: int, only_b: int) -> McNemar | None:
    """McNemar's test (1947) of the two discordant counts; none if there is no discordant row."""
    rows, fewer = only_a + only_b, min(only_a, only_b)
    if not rows:
        return None
    exact = min(1.0, 2 * binomial.tail(rows - fewer, rows, 0.5))
    at = binomial.point(fewer, rows, 0.5)
    mid = exact - (at if only_a != only_b else at / 2)
    statistic = max(0, abs(only_a - only_b) - 1) ** 2 / rows
    by_chi_square = erfc(sqrt(statistic / 2))
    is_many = rows >= MANY
    return McNemar(
        exact_p=exact,
        mid_p=max(0.0, mid),
        chi_square=statistic,
        chi_square_p=by_chi_square,
        p=by_chi_square if is_many else max(0.0, mid),
        method="chi-square, corrected" if is_many else "mid-p",
    )


def compare(
    pairs: Pairs, by_class: Sequence[Pairs] = (), labels: Sequence[str] = (), alpha: float = 0.05
) -> Verdict:
    """Is B better than A? `by_class` adds cautions for classes that B is worse at."""
    test = mcnemar(pairs.only_a, pairs.only_b)
    if test is None or 0.5**pairs.discordant > alpha:
        reason = (
            f"the two disagree on {pairs.discordant} of {pairs.rows} rows: "
            f"too few for any split of them to be significant at {alpha:g}"
        )
        return Verdict(Finding.TOO_FEW, pairs, test, (reason,))
    finding = Finding.NOT_SHOWN
    if test.p < alpha:
        finding = Finding.BETTER if pairs.only_b > pairs.only_a else Finding.WORSE
    return Verdict(
        finding, pairs, test, _reasons(pairs, test, alpha), _cautions(by_class, labels, alpha)
    )


def _reasons(pairs: Pairs, test: McNemar, alpha: float) -> tuple[str, ...]:
    interval = pairs.gain_interval()
    gain = 0.0 if pairs.gain is None else 100 * pairs.gain
    reach = (
        "" if interval is None else f" ({100 * interval.lower:+.2f} to {100 * interval.upper:+.2f})"
    )
    relation = "below" if test.p < alpha else "not below"
    return (
        f"B is right on {pairs.only_b} rows on which A is wrong, "
        f"wrong on {pairs.only_a} on which A is right",
        f"accuracy changes by {gain:+.2f} points{reach}",
        f"p = {test.p:.4g} ({test.method}) is {relation} {alpha:g}",
    )


def _cautions(by_class: Sequence[Pairs], labels: Sequence[str], alpha: float) -> tuple[str, ...]:
    """Classes that B is significantly worse at; alpha is shared among those that can tell."""
    tested = [(i, pairs) for i, pairs in enumerate(by_class) if pairs.discordant]
    cautions = []
    for i, pairs in tested:
        test = mcnemar(pairs.only_a, pairs.only_b)
        if test is not None and pairs.only_a > pairs.only_b and test.p < alpha / len(tested):
            name = labels[i] if labels else str(i)
            cautions.append(
                f"recall of class {name} falls: {pairs.only_a} of its {pairs.rows} rows are wrong "
                f"that were right, {pairs.only_b} right that were wrong"
            )
    return tuple(cautions)
