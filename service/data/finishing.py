"""A data set once all of its rows are there: within the limits, and enough to learn from."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from service.base.sequences import pad_dense
from service.base.signature import Tensors
from service.data.dataset import DataLimits, Dataset, Expected
from service.data.source import Source


def check_size(source: Source, rows: int, width: int, limits: DataLimits, loose: int = 0) -> None:
    """Raise DataRefused for more rows or numbers than the limits allow.

    `loose` counts the numbers of sequences, which aren't as many in each row.
    """
    if rows > limits.max_rows:
        raise source.refused("", f"has {rows} rows or more", f"at most {limits.max_rows}")
    if rows * width + loose > limits.max_cells:
        wrong = f"has {rows} rows of {width} features or more"
        if loose:
            wrong += f", and {loose} numbers in sequences"
        raise source.refused("", wrong, f"at most {limits.max_cells} numbers")


def finished(source: Source, data: Dataset, expected: Expected, where: str = "") -> Dataset:
    """The data set with its classes counted, the labels' array at `where`.

    Raises DataRefused if it is too small to learn from.
    """
    if data.rows < expected.min_rows:
        wrong = f"has {data.rows} row" + ("" if data.rows == 1 else "s")
        raise source.refused(where, wrong, f"at least {expected.min_rows}")
    counts = count_classes(data.labels, expected)
    present = [name for name, count in counts.items() if count]
    if not expected.are_sets and len(present) < min(expected.min_classes, len(counts)):
        wrong = f"every row has the label {present[0]}, so that there is nothing to tell apart"
        raise source.refused(where or "the labels", wrong, "at least two classes")
    if expected.are_sets and all(count in (0, data.rows) for count in counts.values()):
        wrong = "every row has the same labels, so that there is nothing to tell apart"
        raise source.refused(where or "the labels", wrong, "a label that some rows have")
    if data.weights is not None and not data.weights.any():
        raise source.refused("the weights", "are all 0", "a row that counts")
    return replace(data, inputs=_of_full_length(data.inputs, expected), counts=counts)


def count_classes(labels: np.ndarray, expected: Expected) -> Mapping[str, int]:
    """The rows of each class, or with each label; empty for regression."""
    if expected.classes is None:
        return {}
    if expected.are_sets:
        counts = labels.sum(axis=0, dtype=np.float64).astype(np.int64)
    else:
        counts = np.bincount(labels, minlength=expected.classes)
    return {name: int(count) for name, count in zip(expected.class_names, counts, strict=True)}


def _of_full_length(inputs: Tensors, expected: Expected) -> Tensors:
    """Sequences that came equally long, made as long as `model.yaml` says."""
    if expected.sequences is None:
        return inputs
    lengths = expected.lengths
    return {
        name: pad_dense(values, expected.sequences, lengths.get(name))
        for name, values in inputs.items()
    }
