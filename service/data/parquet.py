"""Read a Parquet file: its footer is judged first, then its columns are read in batches."""

from typing import Any

from service.data.columns import Columns, match_columns
from service.data.dataset import MIB, DataLimits, Dataset, Expected
from service.data.finishing import check_size
from service.data.gathering import Gathering
from service.data.parquet_batch import BatchReader, settle_batch
from service.data.parquet_types import kind_of
from service.data.source import Source
from service.data.wording import quoted

MAGIC = b"PAR1"
# What Arrow's Python side raises for damaged metadata, besides its own errors.
UNREADABLE = (ValueError, TypeError, LookupError, ArithmeticError)
MAX_FOOTER_BYTES = 16 * MIB
MAX_THRIFT = 1_000_000
BUFFER_BYTES = 256 * 1024
BATCH_CELLS = 1_000_000
BATCH_BYTES = 8 * MIB
# Below it a file may grow as it likes.
SMALL_BYTES = 64 * MIB


def read_parquet(source: Source, expected: Expected, limits: DataLimits) -> Dataset:
    """The rows of a Parquet file. Raises DataRefused that names row and column."""
    check_footer(source)
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


def check_footer(source: Source) -> None:
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
    columns = match_columns(
        source, schema.names, expected, holds_list=lambda at: kind_of(schema.types[at]).depth > 0
    )
    lists = {at: len(slot.shape) for slot in columns.slots if slot.is_cell for at in slot.columns}
    is_single = len(columns.labels) == 1
    for position in sorted(columns.taken):
        kind = kind_of(schema.types[position])
        is_label = position in columns.labels
        wanted = "numbers or booleans"
        if position == columns.time:
            is_fitting, wanted = kind.depth == 0 and kind.leaf != "other", "numbers or times"
        elif is_label and is_single and expected.are_sets:
            is_fitting, wanted = kind.depth == 1 and kind.leaf in ("number", "text"), "lists"
        elif is_label and is_single and not expected.label.item_shape:
            is_fitting = kind.depth == 0 and kind.leaf in ("number", "text")
            wanted += ", or texts"
        elif is_label and is_single:
            is_fitting = kind.depth == len(expected.label.item_shape) and kind.leaf == "number"
        else:
            is_fitting = kind.depth == lists.get(position, 0) and kind.leaf == "number"
        if not is_fitting:
            wrong = f"has the type {quoted(str(schema.types[position]))}"
            raise source.refused(columns.text(position), wrong, wanted)
    return columns


def _read(
    source: Source, opened: Any, columns: Columns, expected: Expected, limits: DataLimits
) -> Dataset:
    has_lists = any(slot.is_cell for slot in columns.slots)
    batch_rows = max(BATCH_CELLS // len(columns.names), 1)
    if has_lists:
        batch_rows = min(batch_rows, _rows_of_lists(opened.metadata))
    gathering: Gathering | None = None
    done = 0
    names = [columns.names[position] for position in sorted(columns.taken)]
    for batch in opened.iter_batches(batch_size=batch_rows, use_threads=False, columns=names):
        if not batch.num_rows:
            continue
        if gathering is None:
            if has_lists:
                columns = settle_batch(source, columns, batch)
            gathering = Gathering(source, columns, expected, limits)
            reader = BatchReader(source, columns, expected)
        gathering.add(reader.read(batch, done, gathering.faults))
        done += batch.num_rows
    if done != opened.metadata.num_rows:
        wrong = f"{done} rows could be read of {opened.metadata.num_rows}"
        raise source.refused("", wrong, "an undamaged Parquet file")
    if gathering is None:
        raise source.refused("", "has 0 rows", f"at least {expected.min_rows}")
    return gathering.finish()


def _rows_of_lists(footer: Any) -> int:
    """How many rows of lists make a batch: a few megabytes of what they are unpacked."""
    size = sum(footer.row_group(index).total_byte_size for index in range(footer.num_row_groups))
    return max(int(BATCH_BYTES * max(footer.num_rows, 1) / max(size, 1)), 1)
