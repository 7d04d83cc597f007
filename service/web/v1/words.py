"""Faults of tensors in one sentence: TensorFlow Serving's words around our own, place included."""

import json
from typing import Any

from service.base.errors import RequestInvalid, TensorInvalid
from service.base.signature import TensorSpec
from service.web.tensors import Fault, Misfit, where

MAX_VALUE_BYTES = 256
TYPES = {"float16": "half", "float32": "float", "float64": "double"}


def misfit_invalid(misfit: Misfit, spec: TensorSpec, root: str, key: str = "") -> RequestInvalid:
    """The error for JSON that isn't the tensor; an element of a wrong type is shown as well."""
    error = fault_invalid(misfit.fault, root, key)
    if not misfit.leaf:
        return error
    (value,) = misfit.leaf
    expected = TYPES.get(spec.dtype, spec.dtype)
    return RequestInvalid(
        f"{error}. JSON Value: {_value_text(value)} Type: {_type_name(value)} "
        f"is not of expected type: {expected}"
    )


def fault_invalid(fault: Fault, root: str, key: str = "") -> RequestInvalid:
    """The error for a tensor with a fault; those of an instance say of which one."""
    place = where(fault.path, root, key)
    error = TensorInvalid(place, fault.expected, fault.got)
    if root == "instances" and fault.path:
        return element_invalid(fault.path[0], str(error), key)
    return error


def element_invalid(index: int, text: str, key: str = "") -> RequestInvalid:
    """An error of one instance, worded as TensorFlow Serving does."""
    named = f" key: {key}" if key else ""
    return RequestInvalid(
        f"Failed to process element: {index}{named} of 'instances' list. Error: {text}"
    )


def _value_text(value: Any) -> str:
    """The value as JSON; writing stops soon after as many bytes as are shown."""
    parts, size = [], 0
    given = value[:MAX_VALUE_BYTES] if isinstance(value, str) else value
    for part in json.JSONEncoder(ensure_ascii=False).iterencode(given):
        parts.append(part)
        size += len(part)
        if size >= MAX_VALUE_BYTES:
            break
    return "".join(parts).encode()[:MAX_VALUE_BYTES].decode(errors="ignore")


def _type_name(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return str(value).replace("None", "Null")
    names: dict[type, str] = {dict: "Object", list: "Array", str: "String"}
    return names.get(type(value), "Number")
