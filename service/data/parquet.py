"""Read a Parquet file: its footer is judged first, then its columns are read in batches."""

from typing import Any

import numpy as np

from service.data.columns import Columns, match_columns
from service.data.dataset import MIB, DataLimits, Dataset, Expected
from service.data.gathering import Gathering, check_size
from service.data.labels import LabelTexts
from service.data.source import Source
from service.data.wording import quoted

MAGIC = b"PAR1"
# What Arrow's Python side raises for damaged metadata, besides its own errors.
UNREADABLE = (ValueError, TypeError, LookupError, ArithmeticError)
MAX_FOOTER_BYTES = 16 * MIB
MAX_THRIFT = 1_000_000
BUFFER_BYTES = 256 * 1024
BATCH_CELLS = 1_000_000
# Below it a file may grow as it likes.
SMALL_BYTES = 64 * MIB


def read_parquet(source: Source, expected: Expected, limits: DataLimits) -> Dataset:
    """The rows of a Parquet file. Raises DataRefused that names row and column."""
    _check_footer(source)
    import pyarrow
    from pyarrow import parquet

    try:
        opened = parquet.ParquetFile(
            source.stream,
            pre_buffer=False,
            buffer_size=BUFFER_BYTES,
            page_checksum_verification=True,
            thrift_string_size_limit=MAX_FOOTER_BYTES,
            thrift_container_size_limit=MAX_THRIFT,
            arrow_extensions_enabled=False,
        )
        _check_sizes(source, opened.metadata, limits)
        columns = _check_columns(source, opened.schema_arrow, expected)
        return _read(source, opened, columns, expected, limits)
    except (pyarrow.ArrowException, OSError, *UNREADABLE) as error:
        raise source.refused("", "is damaged or cut off", "an undamaged Parquet file") from error


def _check_footer(source: Source) -> None:
    """The file's last bytes give the footer's length, which must lie inside the file."""
    if source.size < 12:
        raise source.refused("the footer", "is missing", "an undamaged Parquet file")
    source.stream.seek(source.size - 8)
    tail = source.stream.read(8)
    if tail[4:] != MAGIC:
        wrong = "is missing: the file is cut off or damaged"
        raise source.refused("the footer", wrong, f"{MAGIC.decode()} at the file's end")
    length, most = int.from_bytes(tail[:4], "little"), min(source.size - 12, MAX_FOOTER_BYTES)
    if length > most:
        raise source.refused("the footer", f"would be {length} bytes long", f"at most {most}")
    source.stream.seek(0)


def _check_sizes(source: Source, footer: Any, limits: DataLimits) -> None:
    """What the footer says of the file is within the limits, and doesn't contradict itself."""
    rows, columns = footer.num_rows, footer.num_columns
    if columns > limits.max_columns:
        wrong = f"has {columns} columns"
        raise source.refused("the footer", wrong, f"at most {limits.max_columns}")
    check_size(source, rows, columns, limits)
    groups = [footer.row_group(index) for index in range(footer.num_row_groups)]
    if rows < 0 or any(group.num_rows < 0 for group in groups):
        raise source.refused("the footer", "has a negative number of rows")
    if sum(group.num_rows for group in groups) != rows:
        wrong = f"its row groups don't have {rows} rows together"
        raise source.refused("the footer", wrong, "an undamaged Parquet file")
    grown = max(sum(group.total_byte_size for group in groups), rows * columns * 4)
    if grown > max(SMALL_BYTES, limits.max_ratio * source.size):
        wrong = f"the file of {source.size} bytes would grow to {grown}"
        raise source.refused("", wrong, f"at most {limits.max_ratio} times its size")


def _check_columns(source: Source, schema: Any, expected: Expected) -> Columns:
    columns = match_columns(source, schema.names, expected)
    for position, field in enumerate(schema):
        is_label = position == columns.label
        is_number = _is_number(field.type)
        if not is_number and not (is_label and _is_text(field.type)):
            feature = None if is_label else columns.features.index(position)
            text = ", or texts" if is_label else ""
            wrong = f"has the type {quoted(str(field.type))}"
            raise source.refused(columns.place(feature), wrong, f"numbers or booleans{text}")
    return columns


def _is_number(kind: Any) -> bool:
    import pyarrow

    types = pyarrow.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind))


def _is_text(kind: Any) -> bool:
    """Whether these are texts, categories of them included."""
    import pyarrow

    types = pyarrow.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    return bool(types.is_string(kind) or types.is_large_string(kind))


def _read(
    source: Source, opened: Any, columns: Columns, expected: Expected, limits: DataLimits
) -> Dataset:
    gathering = Gathering(source, columns.shapes, expected, limits)
    labels = LabelTexts(expected)
    batch_rows = max(BATCH_CELLS // len(columns.names), 1)
    done = 0
    for batch in opened.iter_batches(batch_size=batch_rows, use_threads=False):
        if not batch.num_rows:
            continue
        found = _Batch(source, columns, batch, done)
        gathering.add(found.features(), found.labels(labels), found.place)
        done += batch.num_rows
    if done != opened.metadata.num_rows:
        wrong = f"{done} rows could be read of {opened.metadata.num_rows}"
        raise source.refused("", wrong, "an undamaged Parquet file")
    return gathering.finish()


class _Batch:
    """Some rows in Arrow's form, `start` of them before it."""

    def __init__(self, source: Source, columns: Columns, batch: Any, start: int) -> None:
        self._source = source
        self._columns = columns
        self._batch = batch
        self._start = start

    def place(self, row: int, feature: int | None) -> str:
        return f"row {self._start + row + 1}, {self._columns.place(feature)}"

    def features(self) -> np.ndarray:
        columns = [self._numbers(feature) for feature in range(len(self._columns.features))]
        kind = np.result_type(*columns)
        stacked = np.empty((self._batch.num_rows, len(columns)), kind)
        for position, column in enumerate(columns):
            stacked[:, position] = column
        return stacked

    def labels(self, texts: LabelTexts) -> np.ndarray:
        if _is_number(self._column(None).type):
            return self._numbers(None)
        coded = self._column(None).cast("string").dictionary_encode()
        words, indices = coded.dictionary.to_pylist(), coded.indices.to_numpy()
        values = [texts.number(word) for word in words]
        if None in values:
            bad = values.index(None)
            row = int((indices == bad).argmax())
            raise self._source.refused(self.place(row, None), texts.wrong(words[bad]), texts.wanted)
        numbers: np.ndarray = np.array(values, np.float64)[indices]
        return numbers

    def _numbers(self, feature: int | None) -> np.ndarray:
        numbers: np.ndarray = self._column(feature).to_numpy(zero_copy_only=False)
        return numbers

    def _column(self, feature: int | None) -> Any:
        """A column without gaps. Raises DataRefused for the first gap."""
        columns = self._columns
        column = self._batch.column(columns.label if feature is None else columns.features[feature])
        if column.null_count:
            row = column.is_null().to_pylist().index(True)
            raise self._source.refused(self.place(row, feature), "is empty", "a value")
        return column
