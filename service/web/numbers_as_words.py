"""JSON in which numbers that aren't finite stand as bare words: NaN, Infinity, -Infinity.

That is no JSON by RFC 8259, but TensorFlow Serving takes and writes it. orjson refuses the words
and writes null in their place.
"""

import json
import math
from typing import Any

import numpy as np
import orjson

from service.base.errors import JsonInvalid

MAX_SHOWN = 100


def read_with_words(text: bytes) -> Any:
    """The document, by the standard library, which knows the words. Raises JsonInvalid."""
    try:
        record = json.loads(text.decode(), parse_float=_finite)
        if b"\\u" in text:
            json.dumps(record, ensure_ascii=False).encode()  # refuses half a surrogate pair
    except json.JSONDecodeError as error:
        raise JsonInvalid(error.msg, error.pos) from error
    except RecursionError:
        raise JsonInvalid("nested too deeply") from None
    except ValueError as error:
        raise JsonInvalid(str(error)[:MAX_SHOWN]) from error
    return record


def write_with_words(array: np.ndarray) -> bytes:
    """An array's numbers, in its nesting."""
    plain = np.ascontiguousarray(array) if array.ndim else array[()]
    pieces = orjson.dumps(plain, option=orjson.OPT_SERIALIZE_NUMPY).split(b"null")
    odd = array[~np.isfinite(array)].tolist()
    words = [b"NaN" if x != x else b"Infinity" if x > 0 else b"-Infinity" for x in odd]
    return pieces[0] + b"".join(map(b"".join, zip(words, pieces[1:], strict=True)))


def _finite(text: str) -> float:
    """What is written as digits must be finite: 1e400 is no way to say infinity."""
    number = float(text)
    if math.isinf(number):
        raise ValueError("number is infinity when parsed as double")
    return number
