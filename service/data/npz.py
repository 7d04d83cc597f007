"""Read an NPZ file: exactly the expected arrays, each proved by its header before it is read."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from service.base.signature import TensorSpec
from service.data.arrays import check_shapes, from_arrays, match_arrays
from service.data.dataset import MIB, DataLimits, Dataset, Expected
from service.data.faults import Faults
from service.data.labels import UNKNOWN, Labels
from service.data.npy import Header, read_header
from service.data.source import Source
from service.data.values import Fault, find_faults
from service.data.weights import WEIGHT, check_weights
from service.data.wording import quoted
from service.data.zip_members import Member, MemberReader, list_members

PIECE_BYTES = MIB


@dataclass(frozen=True, slots=True)
class _Found:
    """One array of the file and what it is for; `labels` reads that of single labels."""

    name: str
    spec: TensorSpec
    header: Header
    reader: MemberReader
    labels: Labels | None = None


def read_npz(source: Source, expected: Expected, limits: DataLimits) -> Dataset:
    """The arrays of an NPZ file. Raises DataRefused that names the array."""
    members = _name_members(source, list_members(source, limits))
    arrays = match_arrays(source, tuple(members), expected)
    specs = arrays.specs(expected)
    labels = None if expected.label.item_shape else Labels(expected)
    found = []
    for name, spec in specs.items():
        reader = MemberReader(source, members[name], f"array {quoted(name)}")
        header = read_header(source, reader, f"array {quoted(name)}")
        read_as = labels if name == arrays.label else None
        found.append(_Found(name, spec, header, reader, read_as))
    shapes = [(array.name, array.header.shape, array.spec) for array in found]
    check_shapes(source, shapes, len(arrays.inputs), limits)
    faults = Faults(source)
    values = {array.name: _read(source, array, faults) for array in found}
    faults.check()
    return from_arrays(source, arrays, values, expected)


def _name_members(source: Source, members: list[Member]) -> dict[str, Member]:
    for member in members:
        if not member.name.endswith(".npy"):
            wrong = "is no array"
            raise source.refused(f"the member {quoted(member.name)}", wrong, "arrays only")
    return {member.name.removesuffix(".npy"): member for member in members}


def _read(source: Source, array: _Found, faults: Faults) -> np.ndarray:
    """The array's values in the dtype of what it is for, piece by piece; faults are noted."""
    header, spec = array.header, array.spec
    flat = np.empty(math.prod(header.shape), spec.numpy_dtype)
    step = PIECE_BYTES // header.dtype.itemsize
    for start in range(0, len(flat), step):
        count = min(step, len(flat) - start)
        piece = np.frombuffer(array.reader.read(count * header.dtype.itemsize), header.dtype)
        if array.labels is not None:
            piece = _named(array, piece, start, faults)
        found = check_weights(piece) if spec is WEIGHT else find_faults(piece, spec)
        for fault in found:
            _note(array, fault, start, faults)
            piece = piece.copy()
            piece[fault.indices] = 0
        flat[start : start + count] = piece
    array.reader.finish()
    if header.is_fortran:
        return np.ascontiguousarray(flat.reshape(header.shape[::-1]).T)
    return flat.reshape(header.shape)


def _named(array: _Found, piece: np.ndarray, start: int, faults: Faults) -> np.ndarray:
    """Labels as class indices, where classes are called by numbers, or by names only."""
    assert array.labels is not None
    indices, is_bad = array.labels.named(piece)
    if is_bad.any():
        bad = np.flatnonzero(is_bad)
        wrong = f"is {piece[bad[0]]}"
        fault = Fault(int(bad[0]), wrong, array.labels.wanted, UNKNOWN, bad)
        _note(array, fault, start, faults)
    return indices


def _note(array: _Found, fault: Fault, start: int, faults: Faults) -> None:
    """Rows are counted from 0 here, as places in arrays are."""
    order: Literal["C", "F"] = "F" if array.header.is_fortran else "C"
    places = np.unravel_index(fault.indices + start, array.header.shape, order=order)
    at = ", ".join(str(axis[0]) for axis in places)
    where = f"array {quoted(array.name)} at [{at}]"
    rows = np.unique(places[0]).tolist()
    faults.add(fault.kind, rows, where, fault.wrong, fault.expected)
