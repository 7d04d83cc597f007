"""Rows of CSV read cell by cell: lists, and whatever isn't a plain number."""

import re
from typing import Any

import numpy as np

from service.data.columns import Columns
from service.data.csv_rows import split_line
from service.data.dataset import Expected
from service.data.faults import Faults
from service.data.gathering import Place, RowBlock
from service.data.labels import UNKNOWN
from service.data.listed import ListedReader, ListedRows
from service.data.nested import EMPTY, NOT_NUMBERS
from service.data.source import Source
from service.data.text_blocks import Block
from service.data.values import parse_cell, plain_number
from service.data.wording import quoted

DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
LIST = "a list such as [0.1, 0.2], in quotes"


class CellReader:
    """Reads blocks of proved lines; what is wrong with a cell is noted as a fault."""

    def __init__(self, source: Source, columns: Columns, expected: Expected) -> None:
        self._source = source
        self._columns = columns
        self._reader = ListedReader(source, columns, expected)
        self._lists = {at for slot in columns.slots if slot.is_cell for at in slot.columns}
        is_single = len(columns.labels) == 1
        self._has_label_lists = is_single and bool(expected.label.item_shape)
        self._has_label_texts = is_single and not self._has_label_lists

    def read(self, block: Block, place: Place, faults: Faults) -> RowBlock:
        """The rows of some lines. Raises DataRefused for a list that is none."""
        lines = block.data.decode().removesuffix("\n").split("\n")
        cells = [split_line(line) for line in lines]
        values: dict[int, list[Any]] = {}
        labels = None
        for position in sorted(self._columns.taken):
            texts = [row[position] for row in cells]
            if position in self._lists:
                values[position] = [
                    read_list(self._source, text, place(row, position))
                    for row, text in enumerate(texts)
                ]
            elif position == self._columns.time:
                values[position] = texts
            elif position == self._columns.labels[0] and self._has_label_lists:
                values[position] = [parse_cell(text) for text in texts]
            elif position == self._columns.labels[0] and self._has_label_texts:
                labels = self._read_labels(texts, position, block, place, faults)
            else:
                values[position] = _numbers(texts, position, block, place, faults)
        rows = ListedRows(values, len(lines), place, block.first_line)
        return self._reader.read(rows, faults, labels)

    def _read_labels(
        self, texts: list[str], position: int, block: Block, place: Place, faults: Faults
    ) -> np.ndarray:
        labels = self._reader.labels
        found = [labels.number(text) for text in texts]
        bad = [row for row, value in enumerate(found) if value is None]
        if bad:
            lines = [block.first_line + row for row in bad]
            wrong = labels.wrong(texts[bad[0]])
            faults.add(UNKNOWN, lines, place(bad[0], position), wrong, labels.wanted)
        return np.array([0.0 if value is None else value for value in found])


def read_list(source: Source, text: str, where: str) -> list[Any]:
    """The list in a cell, written as JSON. Raises DataRefused."""
    value = parse_cell(text)
    if not isinstance(value, list):
        raise source.refused(where, _wrong(text), LIST)
    return value


def _numbers(
    texts: list[str], position: int, block: Block, place: Place, faults: Faults
) -> list[float]:
    found = [plain_number(text) for text in texts]
    bad: dict[str, list[int]] = {}
    for row, value in enumerate(found):
        if value is None:
            bad.setdefault(NOT_NUMBERS if texts[row].strip() else EMPTY, []).append(row)
    for kind, rows in bad.items():
        lines = [block.first_line + row for row in rows]
        faults.add(kind, lines, place(rows[0], position), _wrong(texts[rows[0]]), "a number")
    return [0.0 if value is None else value for value in found]


def _wrong(cell: str) -> str:
    if not cell.strip():
        return "is empty"
    if DECIMAL_COMMA.fullmatch(cell.strip()):
        return f"is {quoted(cell)}, with a decimal comma"
    return f"is {quoted(cell)}"
