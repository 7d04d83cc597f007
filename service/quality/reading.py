"""What labelled rows of a version come to, ready for the scores."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from service.quality.confusion import from_cells
from service.quality.multilabel import LabelCounts
from service.quality.outcomes import Outcome
from service.quality.predicted import Kind, Shape
from service.quality.regression import RegressionSums
from service.quality.sums import numbers_of, sets_of


@dataclass(frozen=True, slots=True)
class Reading:
    """A version's labelled rows; by kind of its answers one of `matrix`, `numbers`, `sets` tells.

    `predicted` and `labelled` count rows of the hours that the span touches: the label coverage.
    """

    model: str
    version: int
    shape: Shape
    cells: Mapping[tuple[int, int], int]
    sums: Mapping[str, int | float]
    predicted: int = 0
    labelled: int = 0

    @property
    def classes(self) -> int:
        """How many classes there are: as many as the model has, or as labels were kept for."""
        largest = max((max(cell) for cell in self.cells), default=-1)
        return max(self.shape.width if self.shape.kind is Kind.CLASSES else 0, largest + 1)

    def matrix(self) -> np.ndarray:
        """The confusion matrix, int64, rows true, columns predicted.

        It has the square of `classes` numbers: of very many classes, `cells` are the better part.
        """
        cells = [(true, predicted, rows) for (true, predicted), rows in self.cells.items()]
        return from_cells(cells, self.classes)

    def numbers(self) -> RegressionSums:
        """The errors of predicted numbers."""
        return numbers_of(self.sums)

    def sets(self) -> LabelCounts:
        """The counts of a model that gives several labels at once."""
        width = self.shape.width if self.shape.kind is Kind.SETS else 0
        return sets_of(self.sums, self.cells, width)


@dataclass(frozen=True, slots=True)
class VersionCounters:
    """What a version's counters show: its rows as they were labelled first.

    `delays` are rows by how long after the prediction the label came: for each of
    `ledger.DELAY_BOUNDS_S` those above the bound before, last those above all. `corrections` are
    labels that replaced another one.
    """

    first: Reading
    delays: tuple[int, ...]
    delay_seconds: float
    corrections: int = 0

    @property
    def rows(self) -> int:
        """Rows that were labelled, each once."""
        return sum(self.delays)


@dataclass(frozen=True, slots=True)
class Counters:
    """All counters of a repository; none of them ever falls."""

    versions: tuple[VersionCounters, ...]
    outcomes: Mapping[tuple[str, Outcome], int]
