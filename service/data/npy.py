"""The header of one array as NumPy writes it, read under a limit and held against the bytes."""

import io
import math
import re
import tokenize
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.lib import format as npy_format

from service.base.signature import shape_text
from service.data.source import Source
from service.data.wording import quoted
from service.data.zip_members import MemberReader

MAGIC = b"\x93NUMPY"
MAX_HEADER_BYTES = 1024
MAX_ITEM_BYTES = 8
# NumPy's reader evaluates a literal; nothing but words, numbers and brackets gets that far.
VALUE = rb"(?:'[<>|=]?[A-Za-z?][0-9]*(?:\[[a-z0-9]*\])?'|True|False|\([-0-9, ]*\))"
LITERAL = re.compile(rb"\{(?: *'[a-z_]+' *: *" + VALUE + rb" *,?)+ *\} *\n?")
# What it raises for a header that isn't one.
NO_HEADER = (ValueError, TypeError, KeyError, SyntaxError, tokenize.TokenError, Warning)


@dataclass(frozen=True, slots=True)
class Header:
    """What an array's header declares."""

    dtype: np.dtype
    shape: tuple[int, ...]
    is_fortran: bool


def read_header(source: Source, reader: MemberReader, where: str) -> Header:
    """The header at the beginning of a member.

    Raises DataRefused unless it declares numbers or booleans, and as many bytes as follow it.
    """
    start = reader.read(min(8, reader.size))
    if start[:6] != MAGIC or len(start) < 8:
        raise source.refused(where, "is no array in NumPy's format", "what numpy.savez writes")
    if start[6:8] not in (b"\x01\x00", b"\x02\x00"):
        wrong = f"has a header of version {start[6]}.{start[7]}"
        raise source.refused(where, wrong, "version 1.0 or 2.0")
    width = 2 if start[6] == 1 else 4
    length = reader.read(min(width, reader.size - 8))
    header_bytes = int.from_bytes(length, "little")
    if header_bytes > min(MAX_HEADER_BYTES, reader.size - 8 - width):
        wrong = f"has a header of {header_bytes} bytes"
        raise source.refused(where, wrong, f"at most {MAX_HEADER_BYTES}")
    header = _parse(source, start[6], length + reader.read(header_bytes), where)
    _check(source, header, reader.size - 8 - width - header_bytes, where)
    return header


def _parse(source: Source, version: int, text: bytes, where: str) -> Header:
    wanted = "what numpy.savez writes"
    if not LITERAL.fullmatch(text[2 if version == 1 else 4 :]):
        raise source.refused(where, "has a header other than of plain numbers", wanted)
    parse = npy_format.read_array_header_1_0 if version == 1 else npy_format.read_array_header_2_0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            shape, is_fortran, dtype = parse(io.BytesIO(text), max_header_size=MAX_HEADER_BYTES)
    except NO_HEADER as error:
        wrong = "has a header that can't be read"
        raise source.refused(where, wrong, wanted) from error
    return Header(dtype, shape, is_fortran)


def _check(source: Source, header: Header, stored: int, where: str) -> None:
    if header.dtype.kind not in "fiub" or header.dtype.itemsize > MAX_ITEM_BYTES:
        wrong = f"has the dtype {quoted(str(header.dtype))}"
        raise source.refused(where, wrong, "numbers or booleans")
    if any(axis < 0 for axis in header.shape):
        raise source.refused(where, f"has the shape {shape_text(header.shape)}", "no negative axis")
    declared = math.prod(header.shape) * header.dtype.itemsize
    if declared != stored:
        wrong = f"declares {shape_text(header.shape)}, which is {declared} bytes, and has {stored}"
        raise source.refused(where, wrong, "an undamaged file")
