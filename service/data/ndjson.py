"""Read NDJSON: one object a line, with a number a column, or an array an input."""

import math
from collections.abc import Sequence
from typing import Any

from service.base.signature import TensorSpec, shape_text
from service.base.strict_json import Json, parse_object
from service.data.arrays import holds_arrays, match_arrays
from service.data.columns import Shapes, match_columns
from service.data.dataset import DataLimits, Dataset, Expected
from service.data.gathering import Gathering
from service.data.labels import LabelTexts
from service.data.nested import flatten, numbers, path_text
from service.data.source import Source
from service.data.text_blocks import Block, text_blocks
from service.data.wording import listing, quoted


def read_ndjson(source: Source, expected: Expected, limits: DataLimits) -> Dataset:
    """The rows of a file of JSON objects. Raises DataRefused that names line and column."""
    rows: _Rows | None = None
    for block in text_blocks(source, limits):
        records = _parse(source, block)
        if rows is None:
            rows = _Rows(source, records[0], expected, limits)
        rows.add(records, block.first_line)
    if rows is None:
        raise source.refused("line 1", "is empty", "a JSON object")
    return rows.gathering.finish()


def _parse(source: Source, block: Block) -> list[Json]:
    records = []
    for row, line in enumerate(block.data.removesuffix(b"\n").split(b"\n")):
        try:
            records.append(parse_object(line))
        except ValueError as error:
            where = f"line {block.first_line + row}"
            raise source.refused(where, f"is no JSON object ({error})", "one a line") from error
    return records


class _Rows:
    """The rows of a file whose lines all have the keys, and the shapes, of the first."""

    def __init__(self, source: Source, first: Json, expected: Expected, limits: DataLimits) -> None:
        names = tuple(first)
        if len(names) > limits.max_columns:
            wrong = f"has {len(names)} columns"
            raise source.refused("line 1", wrong, f"at most {limits.max_columns}")
        self._source = source
        self._texts = LabelTexts(expected)
        self._keys = first.keys()
        self._label_shape = tuple(axis or 1 for axis in expected.label.item_shape)
        if holds_arrays(names, expected):
            *features, self._label = match_arrays(source, names, expected)
            shapes = _first_shapes(source, first, features, expected.signature.inputs)
            self._features = dict(zip(features, shapes, strict=True))
        else:
            columns = match_columns(source, names, expected, "line 1, ")
            self._label = names[columns.label]
            self._features = {names[position]: () for position in columns.features}
            shapes = columns.shapes
        self._width = sum(math.prod(shape) for shape in shapes)
        self.gathering = Gathering(source, shapes, expected, limits)

    def add(self, records: Sequence[Json], first_line: int) -> None:
        """Take the objects of some lines. Raises DataRefused."""
        features: list[Any] = []
        labels: list[Any] = []
        for line, record in enumerate(records, first_line):
            self._check_keys(record, line)
            for name, shape in self._features.items():
                features.extend(self._values(record, name, shape, line))
            labels.extend(self._values(record, self._label, self._label_shape, line))

        def place(row: int, feature: int | None) -> str:
            return f"line {first_line + row}, {self._path(feature)}"

        def feature_path(index: int) -> str:
            return place(*divmod(index, self._width))

        def label_path(index: int) -> str:
            return place(index // max(math.prod(self._label_shape), 1), None)

        rows = len(records)
        self.gathering.add(
            numbers(self._source, features, feature_path).reshape(rows, self._width),
            numbers(self._source, labels, label_path, self._texts).reshape(
                rows, *self._label_shape
            ),
            place,
        )

    def _check_keys(self, record: Json, line: int) -> None:
        if record.keys() == self._keys:
            return
        missing = [name for name in self._keys if name not in record]
        extra = [name for name in record if name not in self._keys]
        wrong = f"{quoted(missing[0])} is missing" if missing else f"{quoted(extra[0])} is new"
        wanted = f"the keys of line 1: {listing(tuple(self._keys))}"
        raise self._source.refused(f"line {line}", wrong, wanted)

    def _values(self, record: Json, name: str, shape: tuple[int, ...], line: int) -> Sequence[Any]:
        if not shape:
            return (record[name],)
        where = f"line {line}, {quoted(name)}"
        flat, found = flatten(self._source, record[name], where)
        if found != shape:
            wrong = f"has the shape {shape_text(found)}"
            raise self._source.refused(where, wrong, shape_text(shape))
        return flat

    def _path(self, feature: int | None) -> str:
        if feature is None:
            return quoted(self._label)
        for name, shape in self._features.items():
            size = math.prod(shape)
            if feature < size:
                return path_text(quoted(name), feature, shape)
            feature -= size
        raise IndexError("no such feature")


def _first_shapes(
    source: Source, first: Json, names: Sequence[str], specs: Sequence[TensorSpec]
) -> Shapes:
    """The shapes of the arrays of the first line, each proved to be one row of its input."""
    shapes = []
    for name, spec in zip(names, specs, strict=True):
        where = f"line 1, {quoted(name)}"
        _, shape = flatten(source, first[name], where)
        wanted = spec.item_shape
        is_fitting = len(shape) == len(wanted) and all(
            want in (None, axis) for axis, want in zip(shape, wanted, strict=True)
        )
        if not is_fitting:
            wrong = f"has the shape {shape_text(shape)}"
            raise source.refused(where, wrong, shape_text(wanted))
        shapes.append(shape)
    return tuple(shapes)
