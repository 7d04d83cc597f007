"""Tensors as raw bytes, both ways: little-endian, row-major, without padding.

A text is its length in four bytes and then itself, in UTF-8.
"""

import struct
from typing import Any

import numpy as np

from service.base.errors import RequestInvalid
from service.base.signature import STRING, TensorSpec

LENGTH = struct.Struct("<I")


def read_tensor(
    body: bytes, start: int, size: int, spec: TensorSpec, shape: tuple[int, ...], model: str
) -> np.ndarray:
    """`size` bytes from `start` on, which lie within the body, as a tensor of this shape.

    Numbers are not copied where they lie at a multiple of their own size.
    """
    count = 1
    for axis in shape:
        count *= axis
    if spec.dtype == STRING:
        return _read_texts(body[start : start + size], count, spec.name, model).reshape(shape)
    dtype = spec.numpy_dtype
    if size != count * dtype.itemsize:
        raise RequestInvalid(
            f"input byte size mismatch for input '{spec.name}' for model '{model}'. "
            f"Expected {count * dtype.itemsize}, got {size}"
        )
    if spec.dtype == "bool":  # any byte but zero is true; NumPy's own are 0 and 1 only
        return np.not_equal(np.frombuffer(body, np.uint8, count, start), 0).reshape(shape)
    tensor = np.frombuffer(body, dtype, count, start)
    if not tensor.flags.aligned:
        tensor = np.frombuffer(body[start : start + size], dtype)
    return tensor.reshape(shape)


def write_tensor(array: np.ndarray) -> tuple[Any, int]:
    """The raw bytes of a tensor, as something that `bytes.join` takes, and how many there are."""
    if array.dtype.kind in "OSU":
        content = _write_texts(array)
        return content, len(content)
    whole = np.ascontiguousarray(array)
    return whole, whole.nbytes


def _read_texts(content: bytes, count: int, name: str, model: str) -> np.ndarray:
    where = f"inference input '{name}' for model '{model}'"
    if count * LENGTH.size > len(content) + LENGTH.size:  # before room is made for a lying count
        raise RequestInvalid(f"expected {count} string elements for {where}, got fewer")
    texts: list[str] = []
    start, end = 0, len(content)
    while start < end:
        if end - start < LENGTH.size:
            raise RequestInvalid(
                f"incomplete string length indicator for {where}, expecting "
                f"{LENGTH.size} bytes but only {end - start} bytes available."
            )
        if len(texts) == count:
            raise RequestInvalid(
                f"unexpected number of string elements {count + 1} for {where}, expecting {count}"
            )
        (length,) = LENGTH.unpack_from(content, start)
        start += LENGTH.size
        if length > end - start:
            raise RequestInvalid(
                f"incomplete string data for {where}, expecting string of length {length} "
                f"but only {end - start} bytes available."
            )
        texts.append(_decode(content[start : start + length], len(texts), where))
        start += length
    if len(texts) != count:
        raise RequestInvalid(f"expected {count} string elements for {where}, got {len(texts)}")
    tensor = np.empty(count, dtype=object)
    tensor[:] = texts
    return tensor


def _decode(raw: bytes, index: int, where: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise RequestInvalid(f"string element {index} of {where} is not UTF-8 text") from None


def _write_texts(array: np.ndarray) -> bytes:
    parts: list[bytes] = []
    for item in array.ravel().tolist():
        raw = item if isinstance(item, bytes) else str(item).encode()
        parts += (LENGTH.pack(len(raw)), raw)
    return b"".join(parts)
