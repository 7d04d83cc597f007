"""The JSON document of a request: read with every number exact, its common keys checked."""

from typing import Any

import orjson

from service.base.errors import JsonInvalid, RequestInvalid
from service.base.signature import Signature
from service.base.strict_json import Json
from service.web.dense import QUICK_DTYPES
from service.web.exact import MAX_EXACT_BYTES, check_exact_values
from service.web.numbers_as_words import read_with_words

DEFAULT_SIGNATURE = "serving_default"
MAX_SHOWN = 100
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_document(body: bytes, allow_non_finite: bool = False) -> Json:
    """The request's object; of keys that stand twice the last one counts.

    The bare words NaN, Infinity and -Infinity are numbers only where they are allowed. Raises
    JsonInvalid, or RequestInvalid for what is no object.
    """
    text = body.removeprefix(BYTE_ORDER_MARK)
    if not text.strip():
        raise JsonInvalid("The document is empty")
    check_exact_values(text)
    try:
        record = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if not allow_non_finite:
            raise JsonInvalid(_reason(error, text), error.pos) from error
        record = read_with_words(text)
    if not isinstance(record, dict):
        raise RequestInvalid(f"The request must be a JSON object, got {kind(record)}")
    return record


def check_signature_name(record: Json) -> None:
    """A Keras model has one signature; naming it is optional."""
    name = record.get("signature_name", DEFAULT_SIGNATURE)
    if not isinstance(name, str):
        raise RequestInvalid("'signature_name' key must be a string value.")
    if name not in ("", DEFAULT_SIGNATURE):
        shown = name[:MAX_SHOWN]
        raise RequestInvalid(f'Serving signature name: "{shown}" not found in signature def')


def check_exact_bytes(body: bytes, signature: Signature) -> None:
    """Refuse to read by Python's objects what plain numbers in the right shape would not need."""
    if len(body) > MAX_EXACT_BYTES and has_quick_inputs(signature):
        raise RequestInvalid(
            "The request is not made of plain numbers in the model's shape; up to "
            f"{MAX_EXACT_BYTES} bytes it would be told where. Send fewer instances"
        )


def has_quick_inputs(signature: Signature) -> bool:
    """True if every input is one of numbers, which can be read straight into buffers."""
    return all(spec.dtype in QUICK_DTYPES for spec in signature.inputs)


def kind(value: Any) -> str:
    """What a JSON value is, in words."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    return names.get(type(value), "null" if value is None else "a number")


def _reason(error: orjson.JSONDecodeError, text: bytes) -> str:
    near = text[error.pos : error.pos + 10].lstrip(b" ,[-+").lower()
    if near.startswith((b"nan", b"inf")):
        return "NaN and Infinity are no JSON numbers and are not accepted"
    if "recursion" in error.msg.lower():
        return "nested too deeply"
    return error.msg
