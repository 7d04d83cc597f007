"""Named arrays, one an input and one for the labels: which is which, and whether they fit."""

import math
from collections.abc import Sequence

from service.base.signature import TensorSpec, shape_text
from service.data.dataset import DataLimits, Expected
from service.data.gathering import check_size
from service.data.source import Source
from service.data.wording import listing, quoted

ANY_FEATURES = "x"

# An array's name, its shape, and what it is for; the label comes last.
NamedShape = tuple[str, tuple[int, ...], TensorSpec]


def holds_arrays(names: Sequence[str], expected: Expected) -> bool:
    """Whether names are those of the model's inputs, rather than of feature columns."""
    inputs = _input_names(names, expected)
    return set(inputs) <= set(names) and not set(inputs) & set(expected.columns)


def match_arrays(source: Source, names: Sequence[str], expected: Expected) -> dict[str, TensorSpec]:
    """The file's arrays in the order of the inputs, the label last.

    Raises DataRefused if one is missing or is one too many.
    """
    inputs = _input_names(names, expected)
    labels = [name for name in expected.label_columns if name in names and name not in inputs]
    wanted = f"the arrays {listing((*inputs, expected.label_columns[0]))}"
    if len(inputs) == 1 and inputs[0] != ANY_FEATURES:
        wanted += f" ({quoted(inputs[0])} may be called {quoted(ANY_FEATURES)})"
    taken = {*inputs, *labels[:1]}
    for extra in (name for name in names if name not in taken):
        raise source.refused(f"array {quoted(extra)}", "is not expected", f"only {wanted}")
    missing = [name for name in inputs if name not in names]
    missing += [] if labels else [expected.label_columns[0]]
    if missing:
        raise source.refused(f"array {quoted(missing[0])}", "is missing", wanted)
    matched = dict(zip(inputs, expected.signature.inputs, strict=True))
    matched[labels[0]] = expected.label
    return matched


def check_shapes(source: Source, arrays: Sequence[NamedShape], limits: DataLimits) -> None:
    """Raise DataRefused for an array that the model can't take, or that is too long."""
    for name, shape, spec in arrays:
        if not _fits(shape, spec.shape):
            wrong = f"has the shape {shape_text(shape)}"
            raise source.refused(f"array {quoted(name)}", wrong, shape_text(spec.shape))
    label, (rows, *_), _ = arrays[-1]
    for name, shape, _ in arrays:
        if shape[0] != rows:
            wrong = f"has {shape[0]} rows, but {quoted(label)} has {rows}"
            raise source.refused(f"array {quoted(name)}", wrong, "a label for each row")
    check_size(source, rows, sum(math.prod(shape[1:]) for _, shape, _ in arrays[:-1]), limits)


def _input_names(names: Sequence[str], expected: Expected) -> tuple[str, ...]:
    """The names of the inputs; a single one may be called `x` in the file."""
    inputs = tuple(spec.name for spec in expected.signature.inputs)
    is_renamed = len(inputs) == 1 and inputs[0] not in names and ANY_FEATURES in names
    return (ANY_FEATURES,) if is_renamed else inputs


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    """Whether the shape is the wanted one; labels may stand in a column of their own."""
    if len(wanted) == 1 and len(shape) == 2:
        wanted = (None, 1)
    return len(shape) == len(wanted) and all(
        want in (None, axis) for axis, want in zip(shape, wanted, strict=True)
    )
