"""The lines of a text file in bounded blocks, proved to be UTF-8 without tricks."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from service.data.dataset import DataLimits
from service.data.format import BYTE_ORDER_MARK
from service.data.source import Source

BLOCK_BYTES = 2 * 1024 * 1024
NEWLINE, RETURN = 10, 13


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines, each with a newline at its end; `first_line` counts from 1 as editors do."""

    first_line: int
    data: bytes


def text_blocks(source: Source, limits: DataLimits) -> Iterator[Block]:
    """Every block of a file; empty lines stand at its end only, and are left out.

    Raises DataRefused that names the line.
    """
    line, empty_line = 1, 0
    for data in _whole_lines(source, limits):
        _check_block(source, data, line, limits)
        kept = _before_empty_line(data)
        if empty_line and data.strip(b"\r\n"):
            raise source.refused(f"line {empty_line}", "is empty", "empty lines at the end only")
        if len(kept) < len(data) and not empty_line:
            empty_line = line + kept.count(b"\n")
            if data[len(kept) :].strip(b"\r\n"):
                raise source.refused(
                    f"line {empty_line}", "is empty", "empty lines at the end only"
                )
        if kept:
            yield Block(line, kept)
        line += data.count(b"\n")


def _whole_lines(source: Source, limits: DataLimits) -> Iterator[bytes]:
    """The file in pieces that end with a newline; one is added at the file's end."""
    rest, line = b"", 1
    source.stream.seek(0)
    is_start = True
    while piece := source.stream.read(BLOCK_BYTES):
        if is_start:
            piece, is_start = piece.removeprefix(BYTE_ORDER_MARK), False
        cut = piece.rfind(b"\n") + 1
        if cut:
            data = rest + piece[:cut]
            yield data
            line += data.count(b"\n")
            rest = piece[cut:]
        else:
            rest += piece
        if len(rest) > limits.max_line_bytes:
            raise _too_long(source, line, limits)
    if rest:
        yield rest + b"\n"


def _check_block(source: Source, data: bytes, line: int, limits: DataLimits) -> None:
    def line_of(offset: int) -> str:
        return f"line {line + data.count(10, 0, offset)}"

    nul = data.find(b"\0")
    if nul >= 0:
        raise source.refused(line_of(nul), "has a NUL byte", "text in UTF-8")
    try:
        data.decode()
    except UnicodeDecodeError as error:
        wrong = f"has the byte 0x{data[error.start]:02x}, which is no UTF-8"
        raise source.refused(line_of(error.start), wrong, "text in UTF-8") from error
    codes = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(codes == NEWLINE)
    lengths = np.diff(ends, prepend=-1)
    is_long = lengths > limits.max_line_bytes
    if is_long.any():
        raise _too_long(source, line + int(is_long.argmax()), limits)
    if b"\r" in data:
        returns = np.flatnonzero(codes == RETURN)
        alone = returns[codes[returns + 1] != NEWLINE]
        if len(alone):
            wrong = "has a carriage return without a line feed"
            raise source.refused(line_of(int(alone[0])), wrong, "lines that end with LF or CR LF")


def _too_long(source: Source, line: int, limits: DataLimits) -> Exception:
    wrong = f"is longer than {limits.max_line_bytes} bytes"
    return source.refused(f"line {line}", wrong, "rows on lines of their own")


def _before_empty_line(data: bytes) -> bytes:
    """The lines before the first empty one."""
    if data.startswith((b"\n", b"\r\n")):
        return b""
    cuts = [at + 1 for mark in (b"\n\n", b"\n\r\n") if (at := data.find(mark)) >= 0]
    return data[: min(cuts)] if cuts else data
