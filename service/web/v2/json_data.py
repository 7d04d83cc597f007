"""The JSON of an inference request: read quickly where its data are plain numbers, else exactly.

Either way comes a record of plain objects; on the quick one the `data` of inputs stays simdjson's.
"""

import math
from typing import Any

import numpy as np
import orjson
import simdjson

from service.base.errors import JsonInvalid, RequestInvalid
from service.base.signature import TensorSpec
from service.base.strict_json import Json
from service.web.dense import Part, flat_tensor, is_regular
from service.web.exact import check_exact_values
from service.web.numbers_as_words import read_with_words
from service.web.tensors import check_values, to_tensor
from service.web.v2.request import MAX_NAMED, Given, Request

MAX_DEPTH = 32


def parse_exactly(content: bytes, allow_non_finite: bool) -> Any:
    """The document; bare NaN and Infinity in it only where allowed. Raises RequestInvalid."""
    check_exact_values(content)
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        if not allow_non_finite:
            raise _not_json(error.msg, error.pos) from None
    try:
        return read_with_words(content)
    except JsonInvalid as error:
        raise RequestInvalid(f"failed to parse the request JSON buffer: {error}") from None


def open_quickly(document: Any) -> Any:
    """The record of a parsed document. Raises what `dense.NOT_PLAIN` names where it isn't one."""
    record: Json = {}
    for key in _keys(document):
        value = document[key]
        if key == "inputs" and isinstance(value, simdjson.Array):
            _check_length(value)
            record[key] = [_open_input(item) for item in value]
        else:
            record[key] = _plain(value)
    return record


def quick_tensors(
    body: bytes, request: Request, specs: list[TensorSpec]
) -> list[np.ndarray] | None:
    """The tensors of plain numbers in their proper shape; none if one of them isn't that."""
    tensors: list[np.ndarray] = []
    parts: list[Part] = []
    for given, spec in zip(request.inputs, specs, strict=True):
        if not isinstance(given.data, simdjson.Array):
            return None
        found = flat_tensor(given.data, spec, given.shape)
        if found is None:
            return None
        tensor, shape = found
        tensors.append(tensor)
        parts.append((given.data, shape))
    others = 1 + len(specs) + bool(request.outputs)  # the lists of inputs, shapes and outputs
    if not is_regular(body, parts, others):
        return None
    for number, (tensor, spec) in enumerate(zip(tensors, specs, strict=True)):
        if spec.vocabulary is not None:
            check_values(tensor.reshape(parts[number][1]), spec, place(number))
    return tensors


def exact_tensor(given: Given, spec: TensorSpec, number: int, allow_non_finite: bool) -> np.ndarray:
    """A tensor out of nested lists or one flat one, row-major. Raises RequestInvalid."""
    if not isinstance(given.data, list):
        raise RequestInvalid(f"Unable to parse 'data' of input '{spec.name}': expected a list")
    found = _shape(given.data)
    if math.prod(found) != math.prod(given.shape):
        raise RequestInvalid(
            f"Shape does not match true shape of 'data' field of input '{spec.name}': "
            f"expected {math.prod(given.shape)} elements, got {math.prod(found)}"
        )
    as_sent = TensorSpec(spec.name, spec.dtype, found, spec.vocabulary)
    tensor = to_tensor(given.data, as_sent, place(number), "", allow_non_finite)
    return tensor.reshape(given.shape)


def place(number: int) -> str:
    """Where an input's data stand in the request, for errors."""
    return f"inputs[{number}].data"


def _shape(data: Any) -> tuple[int, ...]:
    """The shape that the first elements have; whether the others have it too is yet to be seen."""
    shape: list[int] = []
    while isinstance(data, list) and len(shape) < MAX_DEPTH:
        shape.append(len(data))
        data = data[0] if data else None
    return tuple(shape)


def _open_input(item: Any) -> Any:
    if not isinstance(item, simdjson.Object):
        return _plain(item)
    return {key: item[key] if key == "data" else _plain(item[key]) for key in _keys(item)}


def _plain(value: Any) -> Any:
    """As Python's objects, made here: simdjson's own `as_list` writes beyond a very long array."""
    if isinstance(value, simdjson.Object):
        return {key: _plain(value[key]) for key in _keys(value)}
    if isinstance(value, simdjson.Array):
        _check_length(value)
        return [_plain(item) for item in value]
    return value


def _keys(value: Any) -> list[str]:
    """An object's keys; of those that stand twice only the exact road knows which one counts."""
    _check_length(value)
    keys = list(value.keys())
    if len(set(keys)) < len(keys):
        raise ValueError("a key stands twice")
    return keys


def _check_length(value: Any) -> None:
    if len(value) > MAX_NAMED:
        raise ValueError("too long for anything but data")


def _not_json(why: str, offset: int) -> RequestInvalid:
    return RequestInvalid(f"failed to parse the request JSON buffer: {why} at {offset}")
