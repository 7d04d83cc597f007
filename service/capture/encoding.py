"""Answered predictions become one record batch."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from service.base.signature import STRING
from service.capture.answered import Answered
from service.capture.arrow import pyarrow
from service.capture.schema import ID_BYTES, Form, InputForm, arrow_schema, arrow_type


def encode(form: Form, some: Sequence[Answered]) -> Any:
    """The rows of these predictions, one after the other."""
    pa = pyarrow()
    rows = np.array([one.rows for one in some])
    first = np.cumsum(rows) - rows
    at = np.repeat(np.array([one.at for one in some], np.int64), rows)
    total = int(rows.sum())
    columns = [
        _ids([one.tag for one in some], rows),
        _ids([one.own for one in some], rows),
        pa.array((np.arange(total) - np.repeat(first, rows)).astype(np.int32)),
        pa.array(np.full(total, form.version, np.int64)),
        pa.array(at).cast(pa.timestamp("ms", "UTC")),
        _decisions([one.classes for one in some], rows, np.dtype(np.int32)),
        _decisions([one.scores for one in some], rows, np.dtype(np.float32)),
        *(_input(one, [each.inputs[one.name] for each in some]) for one in form.inputs),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=arrow_schema(form))


def _ids(ids: list[bytes], rows: np.ndarray) -> Any:
    """An id a row; no bytes are none at all."""
    pa = pyarrow()
    joined = b"".join(one or bytes(ID_BYTES) for one in ids)
    repeated = np.repeat(np.frombuffer(joined, f"V{ID_BYTES}"), rows)
    known = np.repeat(np.array([bool(one) for one in ids]), rows)
    valid = None if known.all() else pa.py_buffer(np.packbits(known, bitorder="little").tobytes())
    buffers = [valid, pa.py_buffer(repeated.tobytes())]
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(ID_BYTES), len(repeated), buffers)


def _decisions(parts: list[np.ndarray | None], rows: np.ndarray, dtype: np.dtype) -> Any:
    """What was decided, as far as anything was."""
    missing = np.array([part is None for part in parts])
    some = [
        np.zeros(count, dtype) if part is None else part
        for part, count in zip(parts, rows.tolist(), strict=True)
    ]
    return pyarrow().array(_join(some, dtype), mask=np.repeat(missing, rows))


def _input(form: InputForm, arrays: list[np.ndarray]) -> Any:
    """The column of an input, its lists from the innermost to the outermost."""
    pa = pyarrow()
    flat = [array.reshape(-1) for array in arrays]
    if form.dtype == STRING:
        texts = [text for array in flat for text in array.tolist()]
        values = pa.array(texts, pa.string())
    else:
        values = pa.array(_join(flat, np.dtype(form.dtype)))
    kinds = [arrow_type(form)]
    for _ in range(form.free_axes):
        kinds.append(kinds[-1].value_type)
    if len(form.shape) > form.free_axes:
        values = pa.FixedSizeListArray.from_arrays(values, type=kinds[-1])
    for axis in range(form.free_axes, 0, -1):
        parents = [prod(array.shape[:axis]) for array in arrays]
        lengths = np.repeat([array.shape[axis] for array in arrays], parents)
        offsets = np.zeros(len(lengths) + 1, np.int32)
        np.cumsum(lengths, out=offsets[1:])
        values = pa.ListArray.from_arrays(pa.array(offsets), values, type=kinds[axis - 1])
    return values


def _join(arrays: list[np.ndarray], dtype: np.dtype) -> np.ndarray:
    """All of them in one."""
    joined: np.ndarray = np.concatenate(arrays).astype(dtype, copy=False)
    return joined
