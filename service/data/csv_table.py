"""Read a CSV file: numbers by Arrow, and cell by cell whatever it can't read."""

import re
from dataclasses import replace

from service.data.columns import Columns, match_columns
from service.data.csv_cells import CellReader, read_list
from service.data.csv_fast import read_numbers
from service.data.csv_rows import check_rows, split_line
from service.data.dataset import DataLimits, Dataset, Expected
from service.data.gathering import Gathering
from service.data.labels import Labels
from service.data.listed import settle_lists
from service.data.source import Source
from service.data.text_blocks import Block, text_blocks


def read_csv(source: Source, expected: Expected, limits: DataLimits) -> Dataset:
    """The rows of a CSV file. Raises DataRefused that names line and column."""
    table: _Table | None = None
    for block in text_blocks(source, limits):
        if table is None:
            header, _, data = block.data.partition(b"\n")
            table = _open(source, header.decode(), data, expected, limits)
            block = Block(block.first_line + 1, data)
        if block.data:
            table.add(block)
    if table is None:
        raise source.refused("line 1", "is empty", "a header with the names of the columns")
    return table.gathering.finish()


def _open(
    source: Source, header: str, data: bytes, expected: Expected, limits: DataLimits
) -> "_Table":
    """The table that a header and the row after it tell of."""
    check_header(source, header, data, limits)
    names = [name.strip() for name in split_line(header)]
    first = split_line(data.partition(b"\n")[0].decode())
    columns = match_columns(
        source, names, expected, "line 1, ",
        lambda position: position < len(first) and first[position].lstrip().startswith("["),
    )  # fmt: skip
    return _Table(source, columns, first, expected, limits)


def check_header(source: Source, line: str, rest: bytes, limits: DataLimits) -> None:
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        if separator in line and "," not in line:
            decimals = re.search(rb"[0-9],[0-9]", rest.partition(b"\n")[0])
            also = " and numbers have decimal commas" if decimals else ""
            wrong = f"columns are separated by {name}{also}"
            raise source.refused("line 1", wrong, "commas between columns, points in numbers")
    count = line.count(",") + 1
    if count > limits.max_columns:
        wrong = f"has {count} columns or more"
        raise source.refused("line 1", wrong, f"at most {limits.max_columns}")
    check_rows(source, Block(1, line.encode() + b"\n"), None, limits)


class _Table:
    """The blocks of a file under one header; `first` are the cells of the first row."""

    def __init__(
        self,
        source: Source,
        columns: Columns,
        first: list[str],
        expected: Expected,
        limits: DataLimits,
    ) -> None:
        self._source = source
        self._labels = Labels(expected)
        self._has_lists = bool(expected.label.item_shape) and len(columns.labels) == 1
        self._has_lists |= any(slot.is_cell for slot in columns.slots)
        if self._has_lists:
            limits = replace(limits, max_field_bytes=limits.max_line_bytes)
            columns = _settle(source, columns, first)
        self._columns, self._limits = columns, limits
        self._cells = CellReader(source, columns, expected)
        self.gathering = Gathering(source, columns, expected, limits, "line")

    def add(self, block: Block) -> None:
        """Take the rows of some lines. Raises DataRefused where they are no rows."""
        check_rows(self._source, block, len(self._columns.names), self._limits)

        def place(row: int, column: int) -> str:
            return f"line {block.first_line + row}, {self._columns.text(column)}"

        if not self._has_lists:
            found = read_numbers(block, self._columns, self._labels, place)
            if found is not None:
                self.gathering.add(found)
                return
        self.gathering.add(self._cells.read(block, place, self.gathering.faults))


def _settle(source: Source, columns: Columns, first: list[str]) -> Columns:
    """The columns with the shapes that the lists of the first row have."""

    def place(_row: int, column: int) -> str:
        return f"line 2, {columns.text(column)}"

    lists = {
        position: [read_list(source, first[position], place(0, position))]
        for slot in columns.slots
        if slot.is_cell
        for position in slot.columns
    }
    return settle_lists(source, columns, lists, place)
