"""Gather the rows of a file, block by block, into the arrays of a data set."""

import math
from collections.abc import Callable, Mapping

import numpy as np

from service.base.signature import Tensors
from service.data.columns import Shapes
from service.data.dataset import DataLimits, Dataset, Expected
from service.data.source import Source
from service.data.values import find_fault

# Where the row of a block stands in the file, and which of its features; none is the label.
Place = Callable[[int, int | None], str]


class Gathering:
    """The rows so far. Each block is checked before it is kept."""

    def __init__(
        self, source: Source, shapes: Shapes, expected: Expected, limits: DataLimits
    ) -> None:
        self._source = source
        self._shapes = shapes
        self._expected = expected
        self._limits = limits
        self._width = sum(math.prod(shape) for shape in shapes)
        self._inputs = [bytearray() for _ in shapes]
        self._labels = bytearray()
        self._rows = 0

    def add(self, features: np.ndarray, labels: np.ndarray, place: Place) -> None:
        """Take rows: features of shape (rows, width), labels with a row each.

        Raises DataRefused for the first value that doesn't fit, and beyond the limits.
        """
        self._rows += len(features)
        check_size(self._source, self._rows, self._width, self._limits)
        start = 0
        for spec, shape, kept in zip(
            self._expected.signature.inputs, self._shapes, self._inputs, strict=True
        ):
            end = start + math.prod(shape)
            block = np.ascontiguousarray(features[:, start:end])
            fault = find_fault(block, spec)
            if fault:
                row, column = divmod(fault.index, end - start)
                raise self._source.refused(place(row, start + column), fault.wrong, fault.expected)
            kept += block.astype(spec.numpy_dtype, copy=False).tobytes()
            start = end
        self._add_labels(labels, place)

    def _add_labels(self, labels: np.ndarray, place: Place) -> None:
        spec = self._expected.label
        fault = find_fault(labels, spec)
        if fault:
            row = fault.index // max(labels[0].size, 1)
            raise self._source.refused(place(row, None), fault.wrong, fault.expected)
        self._labels += labels.astype(spec.numpy_dtype, copy=False).tobytes()

    def finish(self) -> Dataset:
        """The data set of all rows. Raises DataRefused if it is too small to learn from."""
        specs = self._expected.signature.inputs
        inputs: Tensors = {
            spec.name: np.frombuffer(kept, spec.numpy_dtype).reshape(self._rows, *shape)
            for spec, shape, kept in zip(specs, self._shapes, self._inputs, strict=True)
        }
        label = self._expected.label
        item = tuple(axis or 1 for axis in label.item_shape)
        labels = np.frombuffer(self._labels, label.numpy_dtype).reshape(self._rows, *item)
        return finished(self._source, inputs, labels, self._expected)


def check_size(source: Source, rows: int, width: int, limits: DataLimits) -> None:
    """Raise DataRefused for more rows or numbers than the limits allow."""
    if rows > limits.max_rows:
        raise source.refused("", f"has {rows} rows or more", f"at most {limits.max_rows}")
    if rows * width > limits.max_cells:
        wrong = f"has {rows} rows of {width} features or more"
        raise source.refused("", wrong, f"at most {limits.max_cells} numbers")


def finished(
    source: Source, inputs: Tensors, labels: np.ndarray, expected: Expected, where: str = ""
) -> Dataset:
    """The data set of checked arrays, the labels' one at `where`.

    Raises DataRefused if it is too small to learn from.
    """
    rows = len(labels)
    if rows < expected.min_rows:
        wrong = f"has {rows} row" + ("" if rows == 1 else "s")
        raise source.refused(where, wrong, f"at least {expected.min_rows}")
    counts = _count(labels, expected)
    present = [name for name, count in counts.items() if count]
    if len(present) == 1:
        wrong = f"every row has the label {present[0]}, so that there is nothing to tell apart"
        raise source.refused(where or "the labels", wrong, "at least two classes")
    return Dataset(inputs, labels, rows, counts)


def _count(labels: np.ndarray, expected: Expected) -> Mapping[str, int]:
    if expected.classes is None:
        return {}
    counts = np.bincount(labels, minlength=expected.classes)
    names = expected.label_names or tuple(str(index) for index in range(expected.classes))
    return {name: int(count) for name, count in zip(names, counts, strict=True)}
