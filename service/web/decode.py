"""From the JSON of a prediction request to tensors that fit the signature.

Two roads give the same tensors. The quick one reads floats with simdjson straight into a buffer
and proves the shape; whatever it doesn't understand, right or wrong, goes the exact one, which
either accepts it or says precisely what is wrong and where.
"""

import math
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import simdjson

from service.base.errors import JsonInvalid, RequestInvalid, TensorInvalid
from service.base.signature import Signature, Tensors, TensorSpec
from service.web.tensors import check_values, to_tensor

FLOATS = frozenset({"float16", "float32", "float64"})
DEFAULT_SIGNATURE = "serving_default"
MAX_EXACT_BYTES = (
    8 * 1024 * 1024
)  # Python objects take forty times that, and the lock of all threads
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """Checked inputs; `is_row_form` tells `instances` from `inputs`."""

    inputs: Tensors
    rows: int
    is_row_form: bool


class Decoder:
    """Decodes requests; keeps a few parsers, whose buffers grow to the largest request seen."""

    def __init__(self, max_parsers: int = 4) -> None:
        self._parsers: deque[simdjson.Parser] = deque(maxlen=max_parsers)

    def decode(self, body: bytes, signature: Signature) -> PredictRequest:
        """Raises JsonInvalid, TensorInvalid or RequestInvalid."""
        if all(spec.dtype in FLOATS for spec in signature.inputs):
            try:
                parser = self._parsers.pop()
            except IndexError:
                parser = simdjson.Parser()
            quick = _decode_quickly(parser, body, signature)
            self._parsers.append(parser)
            if quick is not None:
                return quick
            if len(body) > MAX_EXACT_BYTES:
                raise RequestInvalid(
                    "The request is not made of plain numbers in the model's shape; up to "
                    f"{MAX_EXACT_BYTES} bytes it would be told where. Send fewer instances"
                )
        return _decode_exactly(body, signature)


def _decode_quickly(
    parser: simdjson.Parser, body: bytes, signature: Signature
) -> PredictRequest | None:
    """The tensors, if the document is nothing but well-formed numbers in the right shape."""
    try:
        if body.startswith(BYTE_ORDER_MARK):
            return None
        document: Any = parser.parse(body)
        if len(document) > 1:
            name = document.get("signature_name", DEFAULT_SIGNATURE)
            if name not in ("", DEFAULT_SIGNATURE) or {"instances", "inputs"} <= set(document):
                return None
        rows_given = document.get("instances")
        columns = document.get("inputs") if rows_given is None else None
        if (rows_given is None) is (columns is None):
            return None
        content = columns if rows_given is None else rows_given
        if len(signature.inputs) == 1 and isinstance(content, simdjson.Array):
            arrays: Json = {signature.inputs[0].name: content}
        elif rows_given is None and isinstance(content, simdjson.Object):
            arrays = {spec.name: content[spec.name] for spec in signature.inputs}
        else:
            return None
        inputs = _dense_tensors(arrays, signature, body.count(b"["))
    except (ValueError, TypeError, KeyError, AttributeError, RuntimeError):
        return None
    if inputs is None:
        return None
    for spec in signature.inputs:
        is_plain = isinstance(content, simdjson.Array)
        root = "instances" if rows_given is not None else "inputs"
        check_values(inputs[spec.name], spec, root if is_plain else f"{root}.{spec.name}")
    rows = len(inputs[signature.inputs[0].name])
    return PredictRequest(inputs, rows, rows_given is not None)


def _dense_tensors(arrays: Json, signature: Signature, brackets: int) -> Tensors | None:
    """The tensors, if every array has its proper length and there are no other arrays around.

    A flat buffer forgets the nesting. The proof: each array at each depth has the length that the
    shape says, and the document opens no bracket beyond those.
    """
    inputs: Tensors = {}
    for spec in signature.inputs:
        shape = _shape(arrays[spec.name], len(spec.shape))
        if not _fits(shape, spec):
            return None
        flat = np.frombuffer(arrays[spec.name].as_buffer(of_type="d"), np.float64)
        if flat.size != math.prod(shape):
            return None
        brackets -= _count_regular(arrays[spec.name], shape)
        with np.errstate(over="ignore"):  # what overflows is found by check_values
            inputs[spec.name] = flat.astype(spec.dtype).reshape(shape)
    is_even = len(inputs) == 1 or len({len(tensor) for tensor in inputs.values()}) == 1
    return inputs if brackets == 0 and is_even else None


def _shape(array: Any, rank: int) -> tuple[int, ...]:
    shape: list[int] = []
    item = array
    while isinstance(item, simdjson.Array) and len(shape) <= rank:
        shape.append(len(item))
        item = item[0] if len(item) else None
    return tuple(shape)


def _fits(shape: tuple[int, ...], spec: TensorSpec) -> bool:
    return len(shape) == len(spec.shape) and all(
        got > 0 and want in (None, got) for want, got in zip(spec.shape, shape, strict=True)
    )


def _count_regular(array: Any, shape: tuple[int, ...]) -> int:
    """How many arrays there are, this one included. Raises ValueError for a wrong length."""
    if len(array) != shape[0]:
        raise ValueError("ragged")
    if len(shape) == 1:
        return 1
    return 1 + sum(_count_regular(item, shape[1:]) for item in array)


def _decode_exactly(body: bytes, signature: Signature) -> PredictRequest:
    record = _parse(body)
    name = record.get("signature_name", DEFAULT_SIGNATURE)
    if not isinstance(name, str):
        raise RequestInvalid("'signature_name' must be a string")
    if name not in ("", DEFAULT_SIGNATURE):
        raise RequestInvalid(f'Serving signature name: "{name[:100]}" not found in signature def')
    if "instances" in record and "inputs" in record:
        raise RequestInvalid("The request has both 'instances' and 'inputs'; give one of them")
    if "instances" in record:
        return _decode_rows(record["instances"], signature)
    if "inputs" in record:
        return _decode_columns(record["inputs"], signature)
    raise RequestInvalid("Missing 'inputs' or 'instances' key")


def _decode_rows(instances: Any, signature: Signature) -> PredictRequest:
    if not isinstance(instances, list):
        raise TensorInvalid("instances", "a list", _kind(instances))
    if not instances:
        raise TensorInvalid("instances", "at least one instance", "an empty list")
    names = {spec.name for spec in signature.inputs}
    if len(names) == 1 and not _is_named(instances[0]):
        spec = signature.inputs[0]
        inputs = {spec.name: to_tensor(instances, spec, "instances")}
        return PredictRequest(inputs, len(instances), True)
    for index, instance in enumerate(instances):
        if not isinstance(instance, dict) or set(instance) != names:
            wanted = ", ".join(sorted(names))
            got = ", ".join(sorted(instance)) if isinstance(instance, dict) else _kind(instance)
            raise TensorInvalid(f"instances[{index}]", f"an object with the inputs {wanted}", got)
    inputs = {
        spec.name: to_tensor([item[spec.name] for item in instances], spec, "instances", spec.name)
        for spec in signature.inputs
    }
    return PredictRequest(inputs, len(instances), True)


def _decode_columns(columns: Any, signature: Signature) -> PredictRequest:
    if len(signature.inputs) == 1 and not _is_named(columns):
        spec = signature.inputs[0]
        inputs = {spec.name: to_tensor(columns, spec, "inputs")}
        return PredictRequest(inputs, len(columns), False)
    if not isinstance(columns, dict):
        raise TensorInvalid("inputs", "an object with every input by name", _kind(columns))
    inputs = {}
    for spec in signature.inputs:
        if spec.name not in columns:
            raise RequestInvalid(f"Missing named input: {spec.name} in 'inputs' object.")
        inputs[spec.name] = to_tensor(columns[spec.name], spec, f"inputs.{spec.name}")
    sizes = {spec.name: len(inputs[spec.name]) for spec in signature.inputs}
    if len(set(sizes.values())) != 1:
        listed = ", ".join(f"{name}: {size}" for name, size in sizes.items())
        raise TensorInvalid("inputs", "as many rows in every input", listed)
    return PredictRequest(inputs, next(iter(sizes.values())), False)


def _is_named(value: Any) -> bool:
    """True for an object of inputs by name; `{"b64": ...}` is a value."""
    return isinstance(value, dict) and set(value) != {"b64"}


def _parse(body: bytes) -> Json:
    if not body.strip():
        raise JsonInvalid("The document is empty")
    try:
        record = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise JsonInvalid(_reason(error, body), error.pos) from error
    if not isinstance(record, dict):
        raise RequestInvalid(
            f"The request must be a JSON object with 'instances' or 'inputs', got {_kind(record)}"
        )
    return record


def _reason(error: orjson.JSONDecodeError, body: bytes) -> str:
    near = body[error.pos : error.pos + 10].lstrip(b" ,[-+").lower()
    if near.startswith((b"nan", b"inf")):
        return "NaN and Infinity are no JSON numbers and are not accepted"
    if "recursion" in error.msg.lower():
        return "nested too deeply"
    return error.msg


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    return names.get(type(value), "null" if value is None else "a number")
