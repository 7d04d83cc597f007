"""Read an NPZ file: exactly the expected arrays, each proved by its header before it is read."""

import math
from dataclasses import dataclass

import numpy as np

from service.base.signature import Tensors, TensorSpec
from service.data.arrays import check_shapes, match_arrays
from service.data.dataset import MIB, DataLimits, Dataset, Expected
from service.data.gathering import finished
from service.data.npy import Header, read_header
from service.data.source import Source
from service.data.values import find_fault
from service.data.wording import quoted
from service.data.zip_members import Member, MemberReader, list_members

PIECE_BYTES = MIB


@dataclass(frozen=True, slots=True)
class _Found:
    """One array of the file and the input, or the label, that it is for."""

    name: str
    spec: TensorSpec
    header: Header
    reader: MemberReader


def read_npz(source: Source, expected: Expected, limits: DataLimits) -> Dataset:
    """The arrays of an NPZ file. Raises DataRefused that names the array."""
    members = _name_members(source, list_members(source, limits))
    specs = match_arrays(source, tuple(members), expected)
    found = []
    for name, spec in specs.items():
        reader = MemberReader(source, members[name], f"array {quoted(name)}")
        header = read_header(source, reader, f"array {quoted(name)}")
        found.append(_Found(name, spec, header, reader))
    check_shapes(source, [(a.name, a.header.shape, a.spec) for a in found], limits)
    arrays: Tensors = {array.spec.name: _read(source, array) for array in found[:-1]}
    labels = _read(source, found[-1])
    item = tuple(axis or 1 for axis in expected.label.item_shape)
    where = f"array {quoted(found[-1].name)}"
    return finished(source, arrays, labels.reshape(len(labels), *item), expected, where)


def _name_members(source: Source, members: list[Member]) -> dict[str, Member]:
    for member in members:
        if not member.name.endswith(".npy"):
            wrong = "is no array"
            raise source.refused(f"the member {quoted(member.name)}", wrong, "arrays only")
    return {member.name.removesuffix(".npy"): member for member in members}


def _read(source: Source, array: _Found) -> np.ndarray:
    """The array's values in the dtype of its input, piece by piece, each proved to fit."""
    header, spec = array.header, array.spec
    flat = np.empty(math.prod(header.shape), spec.numpy_dtype)
    step = PIECE_BYTES // header.dtype.itemsize
    for start in range(0, len(flat), step):
        count = min(step, len(flat) - start)
        piece = np.frombuffer(array.reader.read(count * header.dtype.itemsize), header.dtype)
        fault = find_fault(piece, spec)
        if fault:
            index = np.unravel_index(
                start + fault.index, header.shape, order="F" if header.is_fortran else "C"
            )
            at = ", ".join(str(axis) for axis in index)
            where = f"array {quoted(array.name)} at [{at}]"
            raise source.refused(where, fault.wrong, fault.expected)
        flat[start : start + count] = piece
    array.reader.finish()
    if header.is_fortran:
        return np.ascontiguousarray(flat.reshape(header.shape[::-1]).T)
    return flat.reshape(header.shape)
