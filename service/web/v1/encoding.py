"""Outputs and decisions as values that orjson writes: TensorFlow Serving's two forms."""

import base64
from typing import Any

import numpy as np
import orjson

from service.base.signature import Tensors
from service.base.strict_json import Json
from service.repository.decisions import Decisions
from service.web.exchange import PREDICTION_ID, Facts
from service.web.numbers_as_words import write_with_words
from service.web.tensors import all_finite

OPTIONS = orjson.OPT_SERIALIZE_NUMPY
BYTES_SUFFIX = "_bytes"
NUMBERS = frozenset({"score", "margin", "scores"})


def write(record: Json) -> bytes:
    """The record as JSON; floats in the shortest text that gives them back."""
    return orjson.dumps(record, option=OPTIONS)


def results(found: Any, facts: Facts, prediction_id: str) -> Json:
    """The whole answer of `:classify` and `:regress`."""
    if prediction_id and facts.extra_keys:
        return {"results": found, PREDICTION_ID: prediction_id}
    return {"results": found}


def as_rows(outputs: Tensors, allow_non_finite: bool) -> Any:
    """The row form: a list of values, or of objects if there are several outputs."""
    if len(outputs) == 1:
        ((name, array),) = outputs.items()
        return encodable(name, array, allow_non_finite)
    rows = len(next(iter(outputs.values())))
    columns = {name: _rows_of(name, array, allow_non_finite) for name, array in outputs.items()}
    return [{name: column[row] for name, column in columns.items()} for row in range(rows)]


def as_columns(outputs: Tensors, allow_non_finite: bool) -> Any:
    """The column form: the tensor, or an object of tensors."""
    if len(outputs) == 1:
        ((name, array),) = outputs.items()
        return encodable(name, array, allow_non_finite)
    return {name: encodable(name, array, allow_non_finite) for name, array in outputs.items()}


def as_decisions(decided: Decisions, labels: tuple[str, ...], allow_non_finite: bool) -> list[Json]:
    """One object an instance; scores that aren't finite are written as the outputs are."""
    records = decided.as_json(labels)
    if allow_non_finite:
        for record in records:
            for key in NUMBERS & record.keys():
                record[key] = encodable(key, np.asarray(record[key]), True)
    return records


def encodable(name: str, array: np.ndarray, allow_non_finite: bool) -> Any:
    """One output as orjson writes it; strings of one named `..._bytes` are base64 objects."""
    if array.dtype.kind in "OSU":
        return _as_text(array.tolist(), name.endswith(BYTES_SUFFIX))
    if allow_non_finite and array.dtype.kind == "f" and not all_finite(array):
        return orjson.Fragment(write_with_words(array))
    return np.ascontiguousarray(array) if array.ndim else array[()]


def _rows_of(name: str, array: np.ndarray, allow_non_finite: bool) -> Any:
    whole = encodable(name, array, allow_non_finite)
    if isinstance(whole, orjson.Fragment):
        return [encodable(name, row, allow_non_finite) for row in array]
    return whole


def _as_text(value: Any, is_bytes: bool) -> Any:
    if isinstance(value, list):
        return [_as_text(item, is_bytes) for item in value]
    if is_bytes:
        content = value if isinstance(value, bytes) else str(value).encode()
        return {"b64": base64.b64encode(content).decode()}
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
