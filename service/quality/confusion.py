"""The confusion matrix: how many rows of each true class were said to be of each class.

It is int64 of shape (classes, classes), rows true, columns predicted. Two of them are merged by
adding them.
"""

from collections.abc import Iterable

import numpy as np


def count(true: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """The matrix of two arrays of class indices."""
    return count_weighted(true, predicted, np.ones(len(true), np.int64), classes)


def from_cells(cells: Iterable[tuple[int, int, int]], classes: int) -> np.ndarray:
    """The matrix of (true class, predicted class, rows); cells that come twice are added."""
    table = np.array(list(cells), np.int64).reshape(-1, 3)
    return count_weighted(table[:, 0], table[:, 1], table[:, 2], classes)


def count_weighted(
    true: np.ndarray, predicted: np.ndarray, rows: np.ndarray, classes: int
) -> np.ndarray:
    """The matrix of class indices, each pair of which stands for so many rows."""
    if not true.shape == predicted.shape == rows.shape or true.ndim != 1:
        raise ValueError(f"shapes {true.shape} and {predicted.shape}: expected equal (rows,)")
    for name, index in (("true", true), ("predicted", predicted)):
        # One too large would be counted in the next row of the matrix.
        if len(index) and not 0 <= int(index.min()) <= int(index.max()) < classes:
            wrong = sorted({int(index.min()), int(index.max())} - set(range(classes)))
            raise ValueError(f"{name} classes {wrong}: expected 0 to {classes - 1}")
    matrix = np.zeros(classes * classes, np.int64)
    # Not bincount with weights: those are floats, which can't hold every count.
    np.add.at(matrix, true.astype(np.int64) * classes + predicted.astype(np.int64), rows)
    return matrix.reshape(classes, classes)
