"""The largest values of an output as texts, `value:index` or `value:index:label`, best first."""

import numpy as np

from service.base.errors import RequestInvalid

MAX_ELEMENTS = 1_000_000  # of one row; beyond it sorting would hold up others for too long


def classify(array: np.ndarray, most: int, labels: tuple[str, ...]) -> np.ndarray:
    """Texts of shape (rows, classes); the first of equals first, what is no number last.

    Labels are given only where they name this output's elements; else they are left out.
    """
    rows = len(array)
    values = array.reshape(rows, -1)
    classes = values.shape[1]
    if classes > MAX_ELEMENTS:
        raise RequestInvalid("classification output tensor too large")
    is_labelled = len(labels) == classes
    texts = np.empty((rows, min(most, classes)), dtype=object)
    order = _largest_first(values)[:, :most]
    picked = np.take_along_axis(values, order, axis=1)
    pattern = "%f:%d" if array.dtype.kind == "f" else "%d:%d"
    for row, (indices, best) in enumerate(zip(order.tolist(), picked.tolist(), strict=True)):
        for rank, (index, value) in enumerate(zip(indices, best, strict=True)):
            text = pattern % (value, index)
            texts[row, rank] = f"{text}:{labels[index]}" if is_labelled else text
    return texts


def _largest_first(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind == "f":
        values = np.where(np.isnan(values), -np.inf, values)
    # Sorted from behind, so that turning the order around leaves the first of equals in front.
    backwards: np.ndarray = np.argsort(values[:, ::-1], axis=1, kind="stable")[:, ::-1]
    order: np.ndarray = values.shape[1] - 1 - backwards
    return order
