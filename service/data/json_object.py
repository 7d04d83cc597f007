"""Read a JSON object: arrays named as the model's inputs, or columns of numbers."""

import json
import math
import re
from typing import Any

import numpy as np

from service.base.signature import TensorSpec
from service.base.strict_json import Json, parse_object
from service.data.arrays import check_shapes, from_arrays, holds_arrays, match_arrays
from service.data.columns import Columns, match_columns
from service.data.dataset import DataLimits, Dataset, Expected
from service.data.faults import Faults
from service.data.gathering import Gathering
from service.data.labels import Labels
from service.data.layout import Shape
from service.data.listed import ListedReader, ListedRows, read_labels, settle_lists
from service.data.nested import NOT_NUMBERS, flatten, kind_text, numbers, path_text
from service.data.source import Source
from service.data.times import UNREADABLE, WANTED, read_times
from service.data.values import find_faults
from service.data.weights import TIME, WEIGHT, check_weights
from service.data.wording import quoted

MAX_BRACKETS = 1_000_000
MAX_COLONS = 100_000
# Texts are passed over whole, so that what looks like a number in them isn't found.
NO_NUMBER = re.compile(
    r'"(?:[^"\\]|\\.)*"|(NaN|-?Infinity|(?<![0-9.eE+])-?[0-9]{21,}(?![0-9.eE]))', re.DOTALL
)


def read_json(source: Source, expected: Expected, limits: DataLimits) -> Dataset:
    """The data set in a JSON object. Raises DataRefused that names the array."""
    if source.size > limits.max_json_bytes:
        wrong = f"has {source.size} bytes of JSON"
        most = f"at most {limits.max_json_bytes}; write longer data one object a line"
        raise source.refused("", wrong, most)
    source.stream.seek(0)
    record = _parse(source, source.stream.read(limits.max_json_bytes + 1))
    if holds_arrays(tuple(record), expected):
        return _from_arrays(source, record, expected, limits)
    return _from_columns(source, record, expected, limits)


def _parse(source: Source, text: bytes) -> Json:
    """The object; what would grow a hundredfold in memory is seen by its punctuation."""
    if text.count(b"[") + text.count(b"{") > MAX_BRACKETS or text.count(b":") > MAX_COLONS:
        wrong = f"has more than {MAX_BRACKETS} brackets or {MAX_COLONS} colons"
        raise source.refused("", wrong, "longer data as one object a line")
    wanted = 'an object of arrays, such as {"x": [[1, 2], [3, 4]], "y": [0, 1]}'
    try:
        return parse_object(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise source.refused(where, f"is no JSON ({error.msg})", wanted) from error
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        wrong = f"has the byte 0x{text[error.start]:02x}, which is no UTF-8"
        raise source.refused(f"line {line}", wrong, "text in UTF-8") from error
    except ValueError as error:
        raise source.refused(_place(text.decode("utf-8-sig")), str(error), wanted) from error


def _place(text: str) -> str:
    """Where the first thing stands that is a number in Python but none in JSON; or nothing."""
    for match in NO_NUMBER.finditer(text):
        if match[1]:
            line = text.count("\n", 0, match.start()) + 1
            return f"line {line}, column {match.start() - text.rfind(chr(10), 0, match.start())}"
    return ""


def _from_arrays(source: Source, record: Json, expected: Expected, limits: DataLimits) -> Dataset:
    arrays = match_arrays(source, tuple(record), expected)
    if expected.lengths or expected.are_sets:  # whose rows differ in length
        columns = arrays.as_columns(tuple(record), expected)
        return _from_lists(source, record, columns, expected, limits)
    specs = arrays.specs(expected)
    found = {name: flatten(source, record.pop(name), quoted(name)) for name in specs}
    shapes = [(name, found[name][1], spec) for name, spec in specs.items()]
    check_shapes(source, shapes, len(arrays.inputs), limits)
    reader, faults = _ArrayReader(expected, arrays.label), Faults(source)
    values = {name: reader.read(name, found.pop(name), specs[name], faults) for name in specs}
    faults.check()
    return from_arrays(source, arrays, values, expected)


class _ArrayReader:
    """Reads flattened arrays of a JSON object; rows are counted from 0 as in paths."""

    def __init__(self, expected: Expected, label: str) -> None:
        self._labels = Labels(expected)
        self._label = label

    def read(
        self, name: str, found: tuple[list[Any], Shape], spec: TensorSpec, faults: Faults
    ) -> np.ndarray:
        """The array, in the dtype of what it is for; what is wrong with it is noted."""
        flat, shape = found
        size = max(math.prod(shape[1:]), 1)

        def note(bad: list[int], wrong: str, wanted: str, kind: str = NOT_NUMBERS) -> None:
            rows = sorted({index // size for index in bad})
            faults.add(kind, rows, path_text(quoted(name), bad[0], shape), wrong, wanted)

        if name == self._label and not spec.item_shape:
            values = read_labels(flat, self._labels, note)
        elif spec is TIME:
            values = read_times(
                flat, lambda bad: note(bad, f"is {kind_text(flat[bad[0]])}", WANTED, UNREADABLE)
            )
        else:
            values = numbers(flat, note)
        for fault in check_weights(values) if spec is WEIGHT else find_faults(values, spec):
            note(fault.indices.tolist(), fault.wrong, fault.expected, fault.kind)
            values[fault.indices] = 0
        return values.astype(spec.numpy_dtype, copy=False).reshape(shape)


def _from_columns(source: Source, record: Json, expected: Expected, limits: DataLimits) -> Dataset:
    if len(record) > limits.max_columns:
        raise source.refused("", f"has {len(record)} columns", f"at most {limits.max_columns}")
    names = tuple(record)

    def holds_list(position: int) -> bool:
        values = record[names[position]]
        return isinstance(values, list) and values[:1] != [] and isinstance(values[0], list)

    columns = match_columns(source, names, expected, holds_list=holds_list)
    return _from_lists(source, record, columns, expected, limits)


def _from_lists(
    source: Source, record: Json, columns: Columns, expected: Expected, limits: DataLimits
) -> Dataset:
    names = columns.names
    label = names[columns.labels[0]]
    rows = len(_column(source, record[label], label))
    values = {at: _column(source, record[names[at]], names[at]) for at in sorted(columns.taken)}
    for position, column in values.items():
        if len(column) != rows:
            wrong = f"has {len(column)} values, but {quoted(label)} has {rows}"
            raise source.refused(f"column {quoted(names[position])}", wrong, "a label for each row")

    def place(row: int, position: int) -> str:
        return f"{quoted(names[position])}[{row}]"

    if not rows:
        raise source.refused("", "has 0 rows", f"at least {expected.min_rows}")
    columns = settle_lists(source, columns, values, place)
    gathering = Gathering(source, columns, expected, limits)
    listed = ListedRows(values, rows, place, 0)
    gathering.add(ListedReader(source, columns, expected).read(listed, gathering.faults))
    return gathering.finish()


def _column(source: Source, values: Any, name: str) -> list[Any]:
    if not isinstance(values, list):
        raise source.refused(f"column {quoted(name)}", "is no list", "a list of numbers")
    return values
