"""Some rows of a table, whatever the file's format: by column in Arrow's form, or by record."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

import pyarrow
import pyarrow.compute as pc

from service.base.strict_json import Json
from service.data.parquet_types import ColumnKind, kind_of
from service.data.source import Source
from service.data.values import NUMBER, parse_cell, plain_number
from service.data.wording import column_text

Names = Sequence[str]

NUMBER_CELL = rf"^\s*{NUMBER.pattern}\s*$"
NOT_A_NUMBER = ("", "nan", "null", "none", "na")


class Chunk(Protocol):
    """Rows that follow each other; the first one has the number `first`, as messages count."""

    @property
    def source(self) -> Source: ...

    @property
    def first(self) -> int: ...

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def rows(self) -> int: ...

    @property
    def word(self) -> str:
        """What a row is called: row, or line."""

    def kind(self, name: str) -> ColumnKind:
        """What a column holds, as far as these rows tell."""

    def column(self, name: str) -> Any:
        """A column in Arrow's form. Raises ValueError or TypeError where rows don't agree."""

    def records(self, names: Names, numbers: frozenset[str]) -> list[Json]:
        """The rows with these columns; see `batch`."""

    def batch(self, names: Names, numbers: frozenset[str]) -> Any:
        """These columns in Arrow's form; `numbers` are those of texts that are to be numbers."""

    def slice(self, start: int, rows: int) -> "Chunk":
        """Some of the rows."""

    def take(self, rows: Sequence[int]) -> "Chunk":
        """The rows at these indices; their numbers aren't known any more."""

    def place(self, row: int, name: str) -> str:
        """A cell for a message."""


@dataclass(frozen=True, slots=True)
class ArrowChunk:
    """Rows of a Parquet file, or of CSV with `is_text`: then each cell is the text it was."""

    source: Source
    first: int
    data: Any
    is_text: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.data.schema.names)

    @property
    def rows(self) -> int:
        return int(self.data.num_rows)

    @property
    def word(self) -> str:
        return "line" if self.is_text else "row"

    def kind(self, name: str) -> ColumnKind:
        column = self.data.column(name)
        if not self.is_text:
            return kind_of(column.type)
        return _kind_of_text(column)

    def column(self, name: str) -> Any:
        column = self.data.column(name)
        is_coded = pyarrow.types.is_dictionary(column.type)
        return column.dictionary_decode() if is_coded else column

    def records(self, names: Names, numbers: frozenset[str]) -> list[Json]:
        found: list[Json] = self.batch(names, numbers).to_pylist()
        return found

    def batch(self, names: Names, numbers: frozenset[str]) -> Any:
        chosen = self.data.select(list(names))
        if not self.is_text or not numbers.intersection(names):
            return chosen
        columns = [
            as_numbers(column) if name in numbers else column
            for name, column in zip(chosen.schema.names, chosen.columns, strict=True)
        ]
        return pyarrow.RecordBatch.from_arrays(columns, names=list(names))

    def slice(self, start: int, rows: int) -> "ArrowChunk":
        return replace(self, first=self.first + start, data=self.data.slice(start, rows))

    def take(self, rows: Sequence[int]) -> "ArrowChunk":
        return replace(self, data=self.data.take(pyarrow.array(rows, pyarrow.int64())))

    def place(self, row: int, name: str) -> str:
        return f"{self.word} {self.first + row}, {column_text(self.names.index(name), name)}"


@dataclass(frozen=True, slots=True)
class RecordsChunk:
    """Rows of NDJSON. `names` are those of the file's first row; others stay in the records."""

    source: Source
    first: int
    names: tuple[str, ...]
    data: list[Json]

    @property
    def rows(self) -> int:
        return len(self.data)

    @property
    def word(self) -> str:
        return "line"

    def kind(self, name: str) -> ColumnKind:
        values = (record.get(name) for record in self.data)
        return _kind_of_value(next((value for value in values if value is not None), None))

    def column(self, name: str) -> Any:
        values = [record.get(name) for record in self.data]
        try:
            return pyarrow.array(values)
        except OverflowError:
            return _unsigned(values)

    def records(self, names: Names, numbers: frozenset[str]) -> list[Json]:
        left = set(self.names).difference(names)
        return [{key: row[key] for key in row if key not in left} for row in self.data]

    def batch(self, names: Names, numbers: frozenset[str]) -> Any:
        columns = [self.column(name) for name in names]
        return pyarrow.RecordBatch.from_arrays(columns, names=list(names))

    def slice(self, start: int, rows: int) -> "RecordsChunk":
        return replace(self, first=self.first + start, data=self.data[start : start + rows])

    def take(self, rows: Sequence[int]) -> "RecordsChunk":
        return replace(self, data=[self.data[row] for row in rows])

    def place(self, row: int, name: str) -> str:
        return f"line {self.first + row}, {name!r}"


def as_numbers(column: Any) -> Any:
    """Texts as numbers; null for what is none."""
    is_number = pc.match_substring_regex(column, NUMBER_CELL)
    kept = pc.if_else(is_number, column, pyarrow.scalar(None, pyarrow.string()))
    return pc.cast(pc.utf8_trim_whitespace(kept), pyarrow.float64())


def pieces(chunk: Chunk, rows: int) -> "Sequence[Chunk]":
    """The chunk in chunks of so many rows at most."""
    if chunk.rows <= rows:
        return [chunk]
    starts = range(0, chunk.rows, rows)
    return [chunk.slice(start, min(rows, chunk.rows - start)) for start in starts]


@contextmanager
def agreeing(chunk: Chunk) -> Iterator[None]:
    """Raise DataRefused where rows don't agree in what the columns that are written hold."""
    try:
        yield
    except (pyarrow.ArrowException, ValueError, TypeError) as error:
        why = " ".join(str(error).split())[:200]
        where = f"rows from {chunk.first} on"
        wrong = f"differ from others in what their columns hold ({why})"
        raise chunk.source.refused(where, wrong, "NDJSON to be written") from error


def find_bad(
    chunk: Chunk, attempt: Callable[[Chunk], object], faults: tuple[type[Exception], ...]
) -> "Sequence[tuple[int, Exception]]":
    """The rows with which `attempt` fails even when they are alone, and what it says of each."""
    found: list[tuple[int, Exception]] = []
    parts = [(0, chunk.rows)]
    while parts:
        start, rows = parts.pop()
        try:
            attempt(chunk.slice(start, rows))
        except faults as error:
            if rows == 1:
                found.append((start, error))
            else:
                half = rows // 2
                parts += [(start + half, rows - half), (start, half)]
    return found


def _unsigned(values: list[Any]) -> Any:
    """Whole numbers that take all of 64 bits, such as hashes."""
    try:
        return pyarrow.array(values, pyarrow.uint64())
    except OverflowError as error:
        raise ValueError("a whole number takes more than 64 bits") from error


def _kind_of_text(column: Any) -> ColumnKind:
    """What the first cell is that says something: a number, a list as JSON, or a text."""
    cells = (cell.as_py().strip() for cell in column)
    cell = next((cell for cell in cells if cell.lower() not in NOT_A_NUMBER), "0")
    return _kind_of_value(parse_cell(cell) if cell.startswith("[") else _number_or(cell))


def _number_or(cell: str) -> float | str:
    number = plain_number(cell)
    return cell if number is None else number


def _kind_of_value(value: Any) -> ColumnKind:
    depth = 0
    while isinstance(value, list):
        value, depth = (value[0] if value else 0.0), depth + 1
    if isinstance(value, int | float):
        return ColumnKind("number", depth)
    return ColumnKind("text" if isinstance(value, str) else "other", depth)
