"""Named arrays, one an input and one for the labels: which is which, and whether they fit."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from service.base.signature import Tensors, TensorSpec, shape_text
from service.data.columns import Columns
from service.data.dataset import DataLimits, Dataset, Expected
from service.data.finishing import check_size, finished
from service.data.layout import list_slots
from service.data.source import Source
from service.data.weights import TIME, WEIGHT
from service.data.wording import listing, quoted

ANY_FEATURES = ("x", "instances")  # of a model with one input; as in a request

# An array's name, its shape, and what it is for.
NamedShape = tuple[str, tuple[int, ...], TensorSpec]


@dataclass(frozen=True, slots=True)
class Arrays:
    """The names of a file's arrays: an input each in the model's order, the label, and extras."""

    inputs: tuple[str, ...]
    label: str
    weight: str = ""
    time: str = ""
    left: tuple[str, ...] = ()

    def specs(self, expected: Expected) -> dict[str, TensorSpec]:
        """What each array is for: the inputs first, then the label, then the extras."""
        found = dict(zip(self.inputs, expected.inputs, strict=True))
        found[self.label] = expected.label
        if self.weight:
            found[self.weight] = WEIGHT
        if self.time:
            found[self.time] = TIME
        return found

    def as_columns(self, names: Sequence[str], expected: Expected) -> Columns:
        """The same where each row has its own arrays: columns of lists."""
        at = {name: position for position, name in enumerate(names)}
        slots = list_slots(expected, [at[name] for name in self.inputs])
        weight, time = at.get(self.weight), at.get(self.time)
        return Columns(tuple(names), (at[self.label],), slots, weight, time, self.left)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was found and is left out, for the record."""
        return (f"left out: {listing(self.left)}",) if self.left else ()


def holds_arrays(names: Sequence[str], expected: Expected) -> bool:
    """Whether names are those of the model's inputs, rather than of feature columns."""
    inputs = _input_names(names, expected)
    return set(inputs) <= set(names) and not set(inputs) & set(expected.columns)


def match_arrays(source: Source, names: Sequence[str], expected: Expected) -> Arrays:
    """Which array is what. Raises DataRefused if one is missing or is one too many."""
    inputs = _named(names, expected) or _input_names(names, expected)
    labels = [name for name in expected.label_columns if name in names and name not in inputs]
    wanted = f"the arrays {listing((*inputs, expected.label_columns[0]))}"
    if len(inputs) == 1 and inputs[0] not in (*ANY_FEATURES, *expected.columns):
        wanted += f" ({quoted(inputs[0])} may be called {quoted(ANY_FEATURES[0])})"
    extras = [name for name in (expected.weight_column, expected.time_column) if name]
    taken = {*inputs, *labels[:1], *extras, *expected.ignored}
    others = tuple(name for name in names if name not in taken)
    if others and not expected.leaves_others:
        raise source.refused(f"array {quoted(others[0])}", "is not expected", f"only {wanted}")
    missing = [name for name in (*inputs, *extras, *expected.ignored) if name not in names]
    missing += [] if labels else [expected.label_columns[0]]
    if missing:
        raise source.refused(f"array {quoted(missing[0])}", "is missing", wanted)
    left = (*expected.ignored, *others)
    return Arrays(inputs, labels[0], expected.weight_column, expected.time_column, left)


def check_shapes(
    source: Source, arrays: Sequence[NamedShape], inputs: int, limits: DataLimits
) -> None:
    """Raise DataRefused for an array that the model can't take, or that is too long.

    So many of them are inputs; the label comes next.
    """
    for name, shape, spec in arrays:
        if not _fits(shape, spec.shape):
            wrong = f"has the shape {shape_text(shape)}"
            raise source.refused(f"array {quoted(name)}", wrong, shape_text(spec.shape))
    label, (rows, *_), _ = arrays[inputs]
    for name, shape, _ in arrays:
        if shape[0] != rows:
            wrong = f"has {shape[0]} rows, but {quoted(label)} has {rows}"
            raise source.refused(f"array {quoted(name)}", wrong, "a label for each row")
    width = sum(math.prod(shape[1:]) for _, shape, _ in arrays[:inputs])
    check_size(source, rows, width, limits)


def from_arrays(source: Source, arrays: Arrays, values: Tensors, expected: Expected) -> Dataset:
    """The data set of checked arrays by their names. Raises DataRefused if it is too small."""
    labels = values[arrays.label]
    item = tuple(axis or 1 for axis in expected.label.item_shape)
    data = Dataset(
        {
            spec.name: values[name]
            for name, spec in zip(arrays.inputs, expected.inputs, strict=True)
        },
        labels.reshape(len(labels), *item),
        len(labels),
        {},
        values[arrays.weight].reshape(-1) if arrays.weight else None,
        values[arrays.time].reshape(-1) if arrays.time else None,
        arrays.warnings,
    )
    return finished(source, data, expected, f"array {quoted(arrays.label)}")


def _named(names: Sequence[str], expected: Expected) -> tuple[str, ...]:
    """The arrays that the operator named, one an input; none if columns were named."""
    is_an_array_each = len(expected.columns) == len(expected.signature.inputs)
    return expected.columns if is_an_array_each and set(expected.columns) <= set(names) else ()


def _input_names(names: Sequence[str], expected: Expected) -> tuple[str, ...]:
    """The names of the inputs; a single one may have another name in the file."""
    inputs = tuple(spec.name for spec in expected.signature.inputs)
    if len(inputs) != 1 or inputs[0] in names:
        return inputs
    return tuple(name for name in ANY_FEATURES if name in names)[:1] or inputs


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    """Whether the shape is the wanted one; labels may stand in a column of their own."""
    if len(wanted) == 1 and len(shape) == 2:
        wanted = (None, 1)
    return len(shape) == len(wanted) and all(
        want in (None, axis) for axis, want in zip(shape, wanted, strict=True)
    )
