"""Read a CSV file: numbers by Arrow, and cell by cell whatever it can't read."""

import re
from dataclasses import dataclass

import numpy as np

from service.data.columns import Columns, match_columns
from service.data.csv_rows import check_rows, split_line
from service.data.dataset import DataLimits, Dataset, Expected
from service.data.gathering import Gathering
from service.data.labels import LabelTexts
from service.data.source import Source
from service.data.text_blocks import Block, text_blocks
from service.data.values import plain_number
from service.data.wording import quoted

DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


def read_csv(source: Source, expected: Expected, limits: DataLimits) -> Dataset:
    """The rows of a CSV file. Raises DataRefused that names line and column."""
    table: _Table | None = None
    for block in text_blocks(source, limits):
        if table is None:
            header, _, data = block.data.partition(b"\n")
            columns = _read_header(source, header.decode(), data, expected, limits)
            gathering = Gathering(source, columns.shapes, expected, limits)
            table = _Table(source, columns, LabelTexts(expected), gathering)
            block = Block(block.first_line + 1, data)
        if block.data:
            check_rows(source, block, len(columns.names), limits)
            table.add(block)
    if table is None:
        raise source.refused("line 1", "is empty", "a header with the names of the columns")
    return table.gathering.finish()


def _read_header(
    source: Source, line: str, rest: bytes, expected: Expected, limits: DataLimits
) -> Columns:
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
    names = [name.strip() for name in split_line(line)]
    return match_columns(source, names, expected, "line 1, ")


@dataclass(frozen=True, slots=True)
class _Table:
    source: Source
    columns: Columns
    labels: LabelTexts
    gathering: Gathering

    def add(self, block: Block) -> None:
        def place(row: int, feature: int | None) -> str:
            return f"line {block.first_line + row}, {self.columns.place(feature)}"

        found = self._fast(block.data)
        if found is None:
            found = self._exact(block)
        self.gathering.add(*found, place)

    def _fast(self, data: bytes) -> tuple[np.ndarray, np.ndarray] | None:
        """Features and labels by Arrow; none if something in them isn't a finite number."""
        import pyarrow
        from pyarrow import csv as arrow_csv

        names = [str(position) for position in range(len(self.columns.names))]
        types = {name: pyarrow.float64() for name in names}
        label = names[self.columns.label]
        types[label] = pyarrow.string()
        try:
            table = arrow_csv.read_csv(
                pyarrow.py_buffer(data),
                arrow_csv.ReadOptions(
                    use_threads=False, column_names=names, block_size=len(data) + 1
                ),
                arrow_csv.ParseOptions(newlines_in_values=False),
                arrow_csv.ConvertOptions(
                    column_types=types, null_values=[], strings_can_be_null=False
                ),
                pyarrow.system_memory_pool(),
            )
        except pyarrow.ArrowInvalid:
            return None
        features = np.empty((table.num_rows, len(self.columns.features)))
        for target, position in enumerate(self.columns.features):
            features[:, target] = table.column(position).to_numpy()
        coded = table.column(self.columns.label).combine_chunks().dictionary_encode()
        values = [self.labels.number(text) for text in coded.dictionary.to_pylist()]
        if any(value is None for value in values) or not np.isfinite(features).all():
            return None
        return features, np.array(values, np.float64)[coded.indices.to_numpy()]

    def _exact(self, block: Block) -> tuple[np.ndarray, np.ndarray]:
        """The same, cell by cell. Raises DataRefused for the first that can't be read."""
        lines = block.data.decode().removesuffix("\n").split("\n")
        features = np.empty((len(lines), len(self.columns.features)))
        labels = np.empty(len(lines))
        for row, line in enumerate(lines):
            cells = split_line(line)
            where = f"line {block.first_line + row}, "
            for target, position in enumerate(self.columns.features):
                number = plain_number(cells[position])
                if number is None:
                    place = where + self.columns.place(target)
                    raise self.source.refused(place, _wrong(cells[position]), "a number")
                features[row, target] = number
            label = self.labels.number(cells[self.columns.label])
            if label is None:
                wrong = self.labels.wrong(cells[self.columns.label])
                place = where + self.columns.place(None)
                raise self.source.refused(place, wrong, self.labels.wanted)
            labels[row] = label
        return features, labels


def _wrong(cell: str) -> str:
    if not cell.strip():
        return "is empty"
    if DECIMAL_COMMA.fullmatch(cell.strip()):
        return f"is {quoted(cell)}, with a decimal comma"
    return f"is {quoted(cell)}"
