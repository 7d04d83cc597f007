"""Read a JSON object: arrays named as the model's inputs, or columns of numbers."""

import functools
import json
import re
from typing import Any

import numpy as np

from service.base.signature import Tensors
from service.base.strict_json import Json, parse_object
from service.data.arrays import check_shapes, holds_arrays, match_arrays
from service.data.columns import match_columns
from service.data.dataset import DataLimits, Dataset, Expected
from service.data.gathering import Gathering, finished
from service.data.labels import LabelTexts
from service.data.nested import flatten, numbers, path_text
from service.data.source import Source
from service.data.values import find_fault
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
    specs = match_arrays(source, tuple(record), expected)
    found = {name: flatten(source, record.pop(name), quoted(name)) for name in specs}
    shapes = [(name, found[name][1], spec) for name, spec in specs.items()]
    check_shapes(source, shapes, limits)
    texts = LabelTexts(expected)
    arrays: Tensors = {}
    for name, shape, spec in shapes:

        def path(index: int, name: str = name, shape: tuple[int, ...] = shape) -> str:
            return path_text(quoted(name), index, shape)

        is_label = name == shapes[-1][0]
        values = numbers(source, found.pop(name)[0], path, texts if is_label else None)
        fault = find_fault(values, spec)
        if fault:
            raise source.refused(path(fault.index), fault.wrong, fault.expected)
        arrays[name] = values.astype(spec.numpy_dtype, copy=False).reshape(shape)
    labels = arrays.pop(shapes[-1][0])
    item = tuple(axis or 1 for axis in expected.label.item_shape)
    where = f"array {quoted(shapes[-1][0])}"
    inputs = {spec.name: arrays[name] for name, _, spec in shapes[:-1]}
    return finished(source, inputs, labels.reshape(len(labels), *item), expected, where)


def _from_columns(source: Source, record: Json, expected: Expected, limits: DataLimits) -> Dataset:
    if len(record) > limits.max_columns:
        raise source.refused("", f"has {len(record)} columns", f"at most {limits.max_columns}")
    columns = match_columns(source, tuple(record), expected)
    label = columns.names[columns.label]
    rows = _column(source, record[label], label)
    for name, values in record.items():
        if len(_column(source, values, name)) != len(rows):
            wrong = f"has {len(values)} values, but {quoted(label)} has {len(rows)}"
            raise source.refused(f"column {quoted(name)}", wrong, "a label for each row")

    def place(row: int, feature: int | None) -> str:
        position = columns.label if feature is None else columns.features[feature]
        return f"{quoted(columns.names[position])}[{row}]"

    features = np.empty((len(rows), len(columns.features)))
    for feature, position in enumerate(columns.features):
        path = functools.partial(place, feature=feature)
        features[:, feature] = numbers(source, record[columns.names[position]], path)
    labels = numbers(source, rows, functools.partial(place, feature=None), LabelTexts(expected))
    gathering = Gathering(source, columns.shapes, expected, limits)
    if len(rows):
        gathering.add(features, labels, place)
    return gathering.finish()


def _column(source: Source, values: Any, name: str) -> list[Any]:
    if not isinstance(values, list):
        raise source.refused(f"column {quoted(name)}", "is no list", "a list of numbers")
    return values
