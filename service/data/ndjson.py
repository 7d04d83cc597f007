"""Read NDJSON: one object a line, with a number a column, or an array an input."""

from collections.abc import Sequence

from service.base.strict_json import Json, parse_object
from service.data.arrays import holds_arrays, match_arrays
from service.data.columns import Columns, match_columns
from service.data.dataset import DataLimits, Dataset, Expected
from service.data.gathering import Gathering
from service.data.listed import ListedReader, ListedRows, settle_lists
from service.data.source import Source
from service.data.text_blocks import Block, text_blocks
from service.data.wording import listing, quoted


def read_ndjson(source: Source, expected: Expected, limits: DataLimits) -> Dataset:
    """The rows of a file of JSON objects. Raises DataRefused that names line and column."""
    lines: _Lines | None = None
    for block in text_blocks(source, limits):
        records = objects_of(source, block)
        if lines is None:
            lines = _Lines(source, records[0], expected, limits)
        lines.add(records, block.first_line)
    if lines is None:
        raise source.refused("line 1", "is empty", "a JSON object")
    return lines.gathering.finish()


def objects_of(source: Source, block: Block) -> list[Json]:
    """The objects of some lines. Raises DataRefused."""
    records = []
    for row, line in enumerate(block.data.removesuffix(b"\n").split(b"\n")):
        try:
            records.append(parse_object(line))
        except ValueError as error:
            where = f"line {block.first_line + row}"
            raise source.refused(where, f"is no JSON object ({error})", "one a line") from error
    return records


class _Lines:
    """The rows of a file whose lines all have the keys, and the shapes, of the first."""

    def __init__(self, source: Source, first: Json, expected: Expected, limits: DataLimits) -> None:
        self._source = source
        self._names = tuple(first)
        self._keys = first.keys()
        if len(self._names) > limits.max_columns:
            wrong = f"has {len(self._names)} columns"
            raise source.refused("line 1", wrong, f"at most {limits.max_columns}")
        self._columns = self._match(first, expected)
        self._reader = ListedReader(source, self._columns, expected)
        self.gathering = Gathering(source, self._columns, expected, limits, "line")

    def add(self, records: Sequence[Json], first_line: int) -> None:
        """Take the objects of some lines. Raises DataRefused for those of another form."""
        for line, record in enumerate(records, first_line):
            self._check_keys(record, line)

        def place(row: int, column: int) -> str:
            return f"line {first_line + row}, {quoted(self._names[column])}"

        values = {
            column: [record[self._names[column]] for record in records]
            for column in self._columns.taken
        }
        rows = ListedRows(values, len(records), place, first_line)
        self.gathering.add(self._reader.read(rows, self.gathering.faults))

    def _match(self, first: Json, expected: Expected) -> Columns:
        names = self._names
        values = {column: [first[name]] for column, name in enumerate(names)}
        if holds_arrays(names, expected):
            columns = match_arrays(self._source, names, expected).as_columns(names, expected)
        else:
            columns = match_columns(
                self._source, names, expected, "line 1, ",
                lambda column: isinstance(values[column][0], list),
            )  # fmt: skip
        return settle_lists(
            self._source, columns, values, lambda _row, at: f"line 1, {quoted(names[at])}"
        )

    def _check_keys(self, record: Json, line: int) -> None:
        if record.keys() == self._keys:
            return
        missing = [name for name in self._keys if name not in record]
        extra = [name for name in record if name not in self._keys]
        wrong = f"{quoted(missing[0])} is missing" if missing else f"{quoted(extra[0])} is new"
        wanted = f"the keys of line 1: {listing(tuple(self._keys))}"
        raise self._source.refused(f"line {line}", wrong, wanted)
