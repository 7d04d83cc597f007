"""A key for each row out of its values alone: the same row is known again in any other file."""

import hashlib

import numpy as np

from service.base.sequences import Sequences
from service.base.signature import Tensors
from service.data.dataset import Expected

CHUNK_BYTES = 16 * 1024 * 1024
KEY_BYTES = 8


def row_keys(inputs: Tensors, expected: Expected, seed: int) -> np.ndarray:
    """A number of 64 bits for each row, drawn by its values and the seed.

    Labels and weights don't matter, and neither does how far sequences were padded.
    """
    secret = seed.to_bytes(8, "little")
    lengths = expected.lengths
    first = next(iter(inputs.values()))
    rows = len(first)
    width = sum(values[:1].nbytes for values in inputs.values())
    step = max(CHUNK_BYTES // max(width, 1), 1)
    keys = np.empty(rows, np.uint64)
    for start in range(0, rows, step):
        chunk = {name: values[start : start + step] for name, values in inputs.items()}
        tables = [
            _texts(values, expected.sequences if name in lengths else None)
            for name, values in chunk.items()
        ]
        for row, parts in enumerate(zip(*tables, strict=True), start):
            made = hashlib.blake2b(b"".join(parts), digest_size=KEY_BYTES, key=secret)
            keys[row] = int.from_bytes(made.digest(), "little")
    return keys


def _texts(values: np.ndarray, sequences: Sequences | None) -> list[bytes]:
    """The bytes of each row, equal for equal values; of a sequence without what padded it."""
    if values.dtype.kind == "f":
        values = values + 0  # which makes -0.0 the 0.0 that it equals
    plain = np.ascontiguousarray(values).reshape(len(values), -1)
    size = plain.dtype.itemsize * plain.shape[1]
    whole = plain.tobytes()
    if sequences is None or not size:
        return [whole[at : at + size] for at in range(0, len(whole), size)] or [b""] * len(values)
    steps = values.shape[1]
    is_step = (values.reshape(len(values), steps, -1) != sequences.value).any(axis=2)
    if sequences.padding == "pre":
        padded = np.where(is_step.any(axis=1), is_step.argmax(axis=1), steps)
        cuts = [(int(cut), steps) for cut in padded]
    else:
        padded = np.where(is_step.any(axis=1), is_step[:, ::-1].argmax(axis=1), steps)
        cuts = [(0, steps - int(cut)) for cut in padded]
    step = size // steps
    return [
        whole[row * size + begin * step : row * size + end * step]
        for row, (begin, end) in enumerate(cuts)
    ]
