"""What is added up of rows whose answers aren't classes: numbers, and sets of labels.

The names are those of the database's columns; unlike counts, sums of floats can't be taken back
without a trace, so that after a correction those of its hour are made anew from the rows.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from service.quality.multilabel import LabelCounts, count_labels
from service.quality.predicted import DOUBLES, FLOATS, Answer, Kind, Shape, read_sets
from service.quality.regression import RegressionSums, add_up

NO_CLASS = -1
Sums = dict[str, int | float]
NONE: Mapping[str, int | float] = {
    "rows": 0, "percent_rows": 0, "unusable": 0, "set_rows": 0, "exact_rows": 0, "named_rows": 0,
    "error": 0.0, "absolute": 0.0, "squared": 0.0, "true_total": 0.0, "true_squared": 0.0,
    "percent": 0.0, "jaccard": 0.0,
}  # fmt: skip


def sum_up(shape: Shape, truths: Sequence[bytes], predicted: Sequence[bytes]) -> Sums:
    """The sums of rows, each given by its true and its predicted bytes."""
    if shape.kind is Kind.VALUES:
        return _of_numbers(
            add_up(
                np.frombuffer(b"".join(truths), DOUBLES),
                np.frombuffer(b"".join(predicted), FLOATS),
            )
        )
    counts = count_labels(
        read_sets(shape.width, b"".join(truths)), read_sets(shape.width, b"".join(predicted))
    )
    return {
        **NONE,
        "set_rows": counts.rows,
        "exact_rows": counts.exact_rows,
        "named_rows": counts.named_rows,
        "jaccard": counts.jaccard,
    }


def numbers_of(sums: Mapping[str, Any]) -> RegressionSums:
    """The sums of numbers as the scores need them."""
    return RegressionSums(
        rows=int(sums["rows"]),
        error=float(sums["error"]),
        absolute=float(sums["absolute"]),
        squared=float(sums["squared"]),
        true=float(sums["true_total"]),
        true_squared=float(sums["true_squared"]),
        percent=float(sums["percent"]),
        percent_rows=int(sums["percent_rows"]),
        unusable=int(sums["unusable"]),
    )


def sets_of(
    sums: Mapping[str, Any], cells: Mapping[tuple[int, int], int], width: int
) -> LabelCounts:
    """The counts of sets, as the scores need them."""
    found = np.zeros((3, width), np.int64)
    for (true, predicted), rows in cells.items():
        place = 0 if true == predicted else 1 if true == NO_CLASS else 2
        found[place, max(true, predicted)] += rows
    return LabelCounts(
        rows=int(sums["set_rows"]),
        true_positives=found[0],
        false_positives=found[1],
        false_negatives=found[2],
        exact_rows=int(sums["exact_rows"]),
        jaccard=float(sums["jaccard"]),
        named_rows=int(sums["named_rows"]),
    )


def cells_of(shape: Shape, truth: Answer, predicted: Answer) -> list[tuple[int, int]]:
    """The pairs of a true and a predicted class in which a row counts.

    A row of a set counts once for each label that it has or should have; where it has only one of
    both, `NO_CLASS` stands on the other side.
    """
    if isinstance(truth, int) and isinstance(predicted, int):
        return [(truth, predicted)]
    if shape.kind is not Kind.SETS or isinstance(truth, int) or isinstance(predicted, int):
        return []
    true, said = (read_sets(shape.width, one)[0] for one in (truth, predicted))
    return [
        (label if true[label] else NO_CLASS, label if said[label] else NO_CLASS)
        for label in np.flatnonzero(true | said).tolist()
    ]


def _of_numbers(sums: RegressionSums) -> Sums:
    return {
        **NONE,
        "rows": sums.rows,
        "error": sums.error,
        "absolute": sums.absolute,
        "squared": sums.squared,
        "true_total": sums.true,
        "true_squared": sums.true_squared,
        "percent": sums.percent,
        "percent_rows": sums.percent_rows,
        "unusable": sums.unusable,
    }
