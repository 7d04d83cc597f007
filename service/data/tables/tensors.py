"""The tensors that a chunk's columns make, without a Python object for each number."""

import math
from typing import Any

import numpy as np
import pyarrow
import pyarrow.compute as pc

from service.base.sequences import pad, pad_dense
from service.base.signature import Tensors, TensorSpec
from service.data.layout import Slot, settle
from service.data.nested import flatten, path_text
from service.data.parquet_lists import FlatLists, read_lists
from service.data.tables.chunk import Chunk
from service.data.tables.matching import Features
from service.data.values import find_fault, parse_cell
from service.data.wording import quoted

NO_LIST = ("is no list of numbers", "a list of numbers")


def read_tensors(chunk: Chunk, features: Features) -> Tensors:
    """The inputs for these rows. Raises DataRefused for a row that the model can't take; it tells
    the place for certain only if the chunk has no other row.
    """
    inputs: Tensors = {}
    for slot in features.slots:
        if slot.is_cell:
            inputs[slot.spec.name] = _lists(chunk, features, slot)
        else:
            inputs[slot.spec.name] = _numbers(chunk, features, slot)
    return inputs


def _numbers(chunk: Chunk, features: Features, slot: Slot) -> np.ndarray:
    names = [features.names[at] for at in slot.columns]
    columns = [_plain(chunk, name) for name in names]
    values = np.empty((chunk.rows, len(columns)), np.result_type(*columns))
    for at, column in enumerate(columns):
        values[:, at] = column
    fault_at = _fault_at(values, slot.spec)
    if fault_at is not None:
        row, at = divmod(fault_at.index, len(names))
        where = chunk.place(row, names[at])
        raise chunk.source.refused(where, fault_at.wrong, fault_at.expected)
    cast = values.astype(slot.spec.numpy_dtype, copy=False)
    return cast.reshape(chunk.rows, *(axis or 0 for axis in slot.shape))


def _plain(chunk: Chunk, name: str) -> np.ndarray:
    """A column with a number a row."""
    column = _column(chunk, name, "a number")
    if pyarrow.types.is_string(column.type):
        column = _parsed(chunk, name, column)
    if not _is_number(column.type):
        raise chunk.source.refused(chunk.place(0, name), f"is {column[0]}", "a number")
    values: np.ndarray = column.to_numpy(zero_copy_only=False)
    return values


def _parsed(chunk: Chunk, name: str, column: Any) -> Any:
    try:
        return pc.cast(pc.utf8_trim_whitespace(column), pyarrow.float64())
    except pyarrow.ArrowInvalid as error:
        cell = str(column[0])
        wrong = f"is {quoted(cell)}" if cell.strip() else "is empty"
        raise chunk.source.refused(chunk.place(0, name), wrong, "a number") from error


def _column(chunk: Chunk, name: str, wanted: str) -> Any:
    """A column without gaps."""
    try:
        column = chunk.column(name)
    except (ValueError, TypeError) as error:
        wrong = "differs in kind, or takes more than 64 bits"
        raise chunk.source.refused(chunk.place(0, name), wrong, wanted) from error
    if column.null_count:
        raise chunk.source.refused(chunk.place(0, name), "is empty", wanted)
    return column


def _lists(chunk: Chunk, features: Features, slot: Slot) -> np.ndarray:
    name = features.names[slot.columns[0]]
    column = _column(chunk, name, NO_LIST[1])
    if pyarrow.types.is_string(column.type):
        column = _listed(chunk, name, column)
    slot = _settled(chunk, name, column, slot)
    found = _flat(chunk, name, column, slot)
    _check_values(chunk, name, found, slot)
    values = found.values.astype(slot.spec.numpy_dtype, copy=False)
    if slot.is_ragged:
        return _padded(values.reshape(-1, *slot.fixed), found.lengths, features, slot)
    item = slot.shape if None in slot.spec.item_shape else slot.spec.item_shape
    return values.reshape(chunk.rows, *(axis or 0 for axis in item))


def _listed(chunk: Chunk, name: str, column: Any) -> Any:
    """Lists that are written as JSON in the cells."""
    values = [parse_cell(text) for text in column.to_pylist()]
    try:
        return pyarrow.array(values)
    except (ValueError, TypeError, OverflowError) as error:
        raise chunk.source.refused(chunk.place(0, name), *NO_LIST) from error


def _settled(chunk: Chunk, name: str, column: Any, slot: Slot) -> Slot:
    """Where the model leaves an axis free, it is as long as the first row says."""
    inner = slot.shape[1:] if slot.is_ragged else slot.shape
    if None not in inner:
        return slot
    where = chunk.place(0, name)
    _, shape = flatten(chunk.source, column[0].as_py(), where)
    return settle(chunk.source, slot, shape, where)


def _flat(chunk: Chunk, name: str, column: Any, slot: Slot) -> FlatLists:
    kind, depth = column.type, 0
    while hasattr(kind, "value_type"):
        kind, depth = kind.value_type, depth + 1
    if depth != len(slot.shape) or not (_is_number(kind) or pyarrow.types.is_null(kind)):
        raise chunk.source.refused(chunk.place(0, name), *NO_LIST)
    return read_lists(chunk.source, column, slot, lambda row, _at: chunk.place(row, name))


def _check_values(chunk: Chunk, name: str, found: FlatLists, slot: Slot) -> None:
    fault = _fault_at(found.values, slot.spec)
    if fault is None:
        return
    inner = math.prod(axis or 0 for axis in slot.shape[1:])
    steps = np.cumsum(found.lengths) * inner
    row = int(np.searchsorted(steps, fault.index, side="right"))
    before = int(steps[row - 1]) if row else 0
    shape = (int(found.lengths[row]), *slot.fixed) if slot.is_ragged else slot.fixed
    where = path_text(chunk.place(row, name), fault.index - before, shape)
    raise chunk.source.refused(where, fault.wrong, fault.expected)


def _padded(steps: np.ndarray, lengths: np.ndarray, features: Features, slot: Slot) -> np.ndarray:
    sequences, length = features.expected.sequences, features.expected.lengths[slot.spec.name]
    assert sequences is not None
    if len(lengths) and (lengths == lengths[0]).all():
        dense = steps.reshape(len(lengths), int(lengths[0]), *slot.fixed)
        return pad_dense(dense, sequences, length)
    rows = np.split(steps, np.cumsum(lengths)[:-1])
    return pad(rows, sequences, length, steps.dtype)


def _fault_at(values: np.ndarray, spec: TensorSpec) -> Any:
    """The first fault; where a sum is finite, all that it is of are."""
    if values.dtype == spec.numpy_dtype and values.dtype.kind == "f" and spec.vocabulary is None:
        with np.errstate(all="ignore"):
            if math.isfinite(values.sum()):
                return None
    return find_fault(values, spec)


def _is_number(kind: Any) -> bool:
    types = pyarrow.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind))
