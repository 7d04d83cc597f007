"""Measurements of breast masses, real ones, in the portions in which a test lets them arrive."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from sklearn.datasets import load_breast_cancer

LABELS = ("benign", "malignant")
SEED = 5
ILL = 5  # of the first fifth


@dataclass(frozen=True, slots=True)
class Portion:
    """Rows as a client sends them, with what each really is: 1 for malignant."""

    inputs: np.ndarray
    truths: np.ndarray

    def __len__(self) -> int:
        return len(self.truths)

    @property
    def labels(self) -> list[str]:
        """The truths by their names."""
        return [LABELS[truth] for truth in self.truths]


@cache
def portions() -> tuple[Portion, Portion, Portion]:
    """A fifth of the rows, then half of the rest, then what is left; no row is in two of them.

    The fifth is of people of whom few are ill: what is learned from it misses many elsewhere.
    """
    values, benign = load_breast_cancer(return_X_y=True)
    truths = 1 - benign
    draw = np.random.default_rng(SEED)
    order = draw.permutation(len(truths))
    ill, healthy = order[truths[order] == 1], order[truths[order] == 0]
    fifth = len(order) // 5
    seen = [*ill[:ILL], *healthy[: fifth - ILL]]
    rest = draw.permutation([*ill[ILL:], *healthy[fifth - ILL :]])
    half = len(rest) // 2
    first, second, third = (
        Portion(values[rows].astype(np.float32), truths[rows])
        for rows in (draw.permutation(seen), rest[:half], rest[half:])
    )
    return first, second, third


def csv_of(inputs: np.ndarray, labels: list[str]) -> bytes:
    """Rows as a CSV file, their label in the column `y`."""
    lines = [",".join([*(f"f{number}" for number in range(inputs.shape[1])), "y"])]
    for row, label in zip(inputs.tolist(), labels, strict=True):
        lines.append(",".join([*map(repr, row), label]))
    return "\n".join([*lines, ""]).encode()
