"""The JSON of an inference request without its tensors: what it gives and what it asks for.

Every number is looked at as Python's own, so that none wraps. Texts begin as Triton's do, for
clients look for them. Null stands for a key that isn't there, as typed clients send it.
"""

from typing import Any, NamedTuple

from service.base.errors import RequestInvalid, Unsupported
from service.base.strict_json import Json

MAX_NAMED = 1024  # inputs, outputs or parameters in one list
MAX_SHOWN = 100
UINT64_END = 2**64
FLAGS = frozenset({"sequence_start", "sequence_end", "binary_data_output"})
RESERVED_PREFIX = "triton_"
SHARED_MEMORY = "shared_memory_region"


class Given(NamedTuple):
    """One input as it is described; `size` is that of its binary data, `data` what JSON has."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    size: int | None
    data: Any


class Wanted(NamedTuple):
    """One output asked for; `classes` is how many of its largest values, 0 for the tensor."""

    name: str
    is_binary: bool
    classes: int = 0


class Request(NamedTuple):
    """A whole request; without outputs it asks for all of them, in binary if `is_binary`."""

    id: str
    inputs: list[Given]
    outputs: list[Wanted]
    is_binary: bool
    timeout_us: int


class Form(NamedTuple):
    """How a request is to be answered: with its own id, and these outputs in this order."""

    id: str
    outputs: list[Wanted]


def read_request(record: Any) -> Request:
    """Raises RequestInvalid, or Unsupported for shared memory."""
    if not isinstance(record, dict):
        raise RequestInvalid("Unable to parse 'inputs': the request must be a JSON object")
    identifier = record.get("id")
    if identifier is not None and not isinstance(identifier, str):
        raise RequestInvalid("Unable to parse 'id': expected a string")
    is_binary, timeout_us = _read_parameters(_object(record, "parameters"))
    inputs = [_read_input(item) for item in _list(record, "inputs", "inputs")]
    listed = record.get("outputs")
    outputs = [] if listed is None else _list(record, "outputs", "outputs")
    wanted = [_read_output(item, is_binary) for item in outputs]
    return Request(identifier or "", inputs, wanted, is_binary, timeout_us)


def shown(text: str) -> str:
    """A client's own text as an error repeats it: cut, and fit to be encoded."""
    return text[:MAX_SHOWN].encode("utf-8", "backslashreplace").decode()


def _read_input(item: Any) -> Given:
    name = _string(item, "name", "input")
    parameters = _object(item, "parameters")
    size = parameters.get("binary_data_size")
    data = item.get("data")
    _check_one_source(data is not None, size is not None, SHARED_MEMORY in parameters)
    if SHARED_MEMORY in parameters:
        raise Unsupported("Shared memory is not supported; send the data in the request")
    if size is not None and not _is_uint(size):
        raise RequestInvalid(
            f"Unable to parse 'binary_data_size' of input '{shown(name)}': "
            "expected a whole number of bytes"
        )
    shape = item.get("shape")
    if not isinstance(shape, list) or not all(_is_uint(axis) for axis in shape):
        raise RequestInvalid(
            f"Unable to parse 'shape' of input '{shown(name)}': "
            "expected a list of whole numbers, none of them negative"
        )
    return Given(name, _string(item, "datatype", "input"), tuple(shape), size, data)


def _check_one_source(has_data: bool, has_binary: bool, has_region: bool) -> None:
    sources = {
        "data": has_data,
        "binary_data_size": has_binary,
        SHARED_MEMORY: has_region,
    }
    found = [f"'{name}'" for name, is_set in sources.items() if is_set]
    if len(found) != 1:
        got = f"set {' '.join(found)}" if found else "no field is set"
        raise RequestInvalid(
            "Input must set only one of the following fields: 'data', 'binary_data_size' in "
            f"'parameters', 'shared_memory_region' in 'parameters'. But {got}"
        )


def _read_output(item: Any, is_binary: bool) -> Wanted:
    name = _string(item, "name", "output")
    parameters = _object(item, "parameters")
    if not parameters:
        return Wanted(name, is_binary)
    if SHARED_MEMORY in parameters:
        raise Unsupported("Shared memory is not supported; read the data from the answer")
    flag = parameters.get("binary_data", is_binary)
    if not isinstance(flag, bool):
        raise RequestInvalid(
            f"Unable to parse 'binary_data' of output '{shown(name)}': expected true or false"
        )
    classes = parameters.get("classification", 0)
    if not _is_uint(classes):
        raise RequestInvalid(
            f"Unable to set 'classification' of output '{shown(name)}': expected a whole number"
        )
    return Wanted(name, flag, classes)


def _read_parameters(parameters: Json) -> tuple[bool, int]:
    """Whether outputs are binary, and the timeout in microseconds, 0 for none.

    Priorities and sequences are taken and have no effect, as for a Triton model without them.
    """
    for name, value in parameters.items():
        if name in FLAGS:
            if not isinstance(value, bool):
                raise RequestInvalid(f"Unable to parse '{name}': expected true or false")
        elif name in ("priority", "timeout"):
            if not _is_uint(value):
                raise RequestInvalid(f"Unable to parse '{name}': expected a whole number")
        elif name == "sequence_id":
            if not _is_uint(value) and not isinstance(value, str):
                raise RequestInvalid(f"Unable to parse '{name}': expected a number or a string")
        elif name.startswith(RESERVED_PREFIX):
            raise RequestInvalid(
                "parameter keys starting with 'triton_' are reserved for Triton usage and "
                "should not be specified."
            )
        elif name != "headers" and isinstance(value, dict | list):
            raise RequestInvalid(
                f"parameter '{shown(name)}' has invalid type. "
                "It should be either 'int', 'bool', or 'string'."
            )
    return parameters.get("binary_data_output", False), parameters.get("timeout", 0)


def _list(record: Json, key: str, what: str) -> list[Any]:
    value = record.get(key)
    if not isinstance(value, list):
        raise RequestInvalid(f"Unable to parse '{key}': expected a list of objects")
    if len(value) > MAX_NAMED:
        raise RequestInvalid(f"The request has {len(value)} {what}; it may have {MAX_NAMED}")
    return value


def _object(record: Json, key: str) -> Json:
    value = record.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise RequestInvalid(f"Unable to parse '{key}': expected an object")
    if len(value) > MAX_NAMED:
        raise RequestInvalid(f"The request has {len(value)} {key}; it may have {MAX_NAMED}")
    return value


def _string(item: Any, key: str, what: str) -> str:
    value = item.get(key) if isinstance(item, dict) else None
    if not isinstance(value, str):
        raise RequestInvalid(f"Unable to parse '{key}': every {what} needs one, a string")
    return value


def _is_uint(value: Any) -> bool:
    return type(value) is int and 0 <= value < UINT64_END
