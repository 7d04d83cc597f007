"""Tensors as messages over a local socket: plain bytes with a JSON header, never a pickle."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from service.base.signature import STRING, Tensors

SOCKET_NAME = "tensorflow.sock"


def pack(header: dict[str, Any], tensors: Tensors) -> tuple[bytes, list[bytes]]:
    """The header message, which lists the tensors, and one message a tensor."""
    listed, payloads = [], []
    for name, array in tensors.items():
        is_text = array.dtype.kind in "OSU"
        dtype = STRING if is_text else array.dtype.name
        listed.append({"name": name, "dtype": dtype, "shape": list(array.shape)})
        payloads.append(_pack_text(array) if is_text else np.ascontiguousarray(array).tobytes())
    return orjson.dumps({**header, "tensors": listed}), payloads


def unpack(listed: list[dict[str, Any]], receive: Callable[[], bytes]) -> Tensors:
    """The tensors that a header lists, one message each."""
    tensors: Tensors = {}
    for spec in listed:
        payload = receive()
        if spec["dtype"] == STRING:
            flat = np.empty(int(np.prod(spec["shape"])), dtype=object)
            flat[:] = orjson.loads(payload)
        else:
            flat = np.frombuffer(payload, spec["dtype"])
        tensors[spec["name"]] = flat.reshape(spec["shape"])
    return tensors


@contextmanager
def socket_address(run_dir: Path) -> Iterator[str]:
    """The socket's address, short whatever the folder's path is: the kernel allows 107 bytes."""
    handle = os.open(run_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{SOCKET_NAME}"
    finally:
        os.close(handle)


def _pack_text(array: np.ndarray) -> bytes:
    values = [
        item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)
        for item in array.ravel().tolist()
    ]
    return orjson.dumps(values)
