"""Prove that lines of CSV are whole rows: quotes close, columns and fields are bounded."""

import re

import numpy as np

from service.data.dataset import DataLimits
from service.data.source import Source
from service.data.text_blocks import NEWLINE, RETURN, Block

COMMA, QUOTE = 44, 34
CELL = re.compile(r'(?:"((?:[^"]|"")*)"|([^",]*)),')


def split_line(line: str) -> list[str]:
    """The cells of one proved line."""
    line = line.removesuffix("\r")
    if '"' not in line:
        return line.split(",")
    cells = CELL.finditer(line + ",")
    return [cell[2] if cell[1] is None else cell[1].replace('""', '"') for cell in cells]


def check_rows(source: Source, block: Block, columns: int | None, limits: DataLimits) -> None:
    """Raise DataRefused unless each line is a row of bounded fields, as many as `columns`.

    The header, which says how many there are, is checked as a block of its own without it.
    """
    codes = np.frombuffer(block.data, np.uint8)
    ends = np.flatnonzero(codes == NEWLINE)
    is_separator = codes == COMMA
    if b'"' in block.data:
        is_separator &= _outside_quotes(source, block, codes, ends)
    commas = np.flatnonzero(is_separator)
    counts = np.diff(np.searchsorted(commas, ends), prepend=0) + 1
    columns = columns or int(counts[0])
    ragged = np.flatnonzero(counts != columns)
    if len(ragged):
        row = int(ragged[0])
        wrong = f"has {counts[row]} column" + ("" if counts[row] == 1 else "s")
        raise source.refused(f"line {block.first_line + row}", wrong, f"{columns} as the header")
    is_separator[ends] = True
    bounds = np.flatnonzero(is_separator)
    lengths = np.diff(bounds, prepend=-1) - 1
    is_long = lengths > limits.max_field_bytes
    if is_long.any():
        row, column = divmod(int(is_long.argmax()), columns)
        where = f"line {block.first_line + row}, column {column + 1}"
        wrong = f"a field of {lengths[is_long][0]} bytes"
        raise source.refused(where, wrong, f"at most {limits.max_field_bytes}")


def _outside_quotes(
    source: Source, block: Block, codes: np.ndarray, ends: np.ndarray
) -> np.ndarray:
    """Which bytes stand outside quotes. A quoted field ends on the line where it begins."""
    is_quote = codes == QUOTE
    is_inside = (np.cumsum(is_quote) & 1).astype(bool)
    open_ends = np.flatnonzero(is_inside[ends])
    if len(open_ends):
        where = f"line {block.first_line + int(open_ends[0])}"
        raise source.refused(where, "has a quote that never closes", "quotes in pairs")
    quotes = np.flatnonzero(is_quote)
    opening, closing = quotes[0::2], quotes[1::2]
    before = np.where(opening == 0, NEWLINE, codes[opening - 1])
    after = codes[closing + 1]
    is_bad = ~np.isin(before, (COMMA, NEWLINE, QUOTE))
    is_bad |= ~np.isin(after, (COMMA, NEWLINE, RETURN, QUOTE))
    if is_bad.any():
        offset = int(opening[int(is_bad.argmax())])
        where = f"line {block.first_line + int(np.searchsorted(ends, offset))}"
        raise source.refused(where, "has a quote inside a field", "quotes around whole fields")
    return ~is_inside
