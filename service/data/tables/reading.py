"""Read a table in chunks, in the order of its rows, with as much in memory as one takes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from service.data.columns import check_names
from service.data.csv_rows import check_rows, split_line
from service.data.csv_table import check_header
from service.data.dataset import MIB, DataLimits
from service.data.ndjson import objects_of
from service.data.parquet import (
    BUFFER_BYTES,
    MAX_FOOTER_BYTES,
    MAX_THRIFT,
    UNREADABLE,
    check_footer,
)
from service.data.source import Source
from service.data.tables.chunk import ArrowChunk, Chunk, RecordsChunk, pieces
from service.data.tables.found import Kind
from service.data.text_blocks import Block, text_blocks

LIMITS = DataLimits(max_line_bytes=16 * MIB, max_field_bytes=16 * MIB, max_columns=100_000)
DAMAGED = ("is damaged or cut off", "an undamaged Parquet file")


@dataclass(frozen=True, slots=True)
class Span:
    """Which row groups of a Parquet file: from `start`, up to and without `stop`."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Read:
    """A chunk, and which part of the file's bytes has been read with it."""

    chunk: Chunk
    part: float


def read_chunks(kind: Kind, source: Source, rows: int, span: Span | None = None) -> Iterator[Read]:
    """All rows of a file, or of a span of it, at most `rows` a chunk; at least one chunk, which
    has no rows where the file has none. Raises DataRefused.
    """
    if kind == "parquet":
        yield from _read_parquet(source, rows, span)
        return
    chunks = _read_csv(source) if kind == "csv" else _read_ndjson(source)
    for chunk in chunks:
        part = source.stream.tell() / max(source.size, 1)
        for piece in pieces(chunk, rows):
            yield Read(piece, part)


def row_groups(source: Source) -> list[int]:
    """The rows of each row group of a Parquet file. Raises DataRefused."""
    footer = _open(source).metadata
    return [footer.row_group(index).num_rows for index in range(footer.num_row_groups)]


def _open(source: Source) -> Any:
    check_footer(source)
    try:
        return parquet.ParquetFile(
            # The very file that was opened, read without asking Python for every piece.
            pyarrow.OSFile(f"/proc/self/fd/{source.stream.fileno()}"),
            pre_buffer=False,
            buffer_size=BUFFER_BYTES,
            page_checksum_verification=True,
            thrift_string_size_limit=MAX_FOOTER_BYTES,
            thrift_container_size_limit=MAX_THRIFT,
            arrow_extensions_enabled=False,
        )
    except (pyarrow.ArrowException, OSError, *UNREADABLE) as error:
        raise source.refused("", *DAMAGED) from error


def _read_parquet(source: Source, rows: int, span: Span | None) -> Iterator[Read]:
    opened = _open(source)
    groups = range(opened.metadata.num_row_groups)
    sizes = [opened.metadata.row_group(index).num_rows for index in groups]
    before = 0 if span is None else sum(sizes[: span.start])
    chosen = groups if span is None else groups[span.start : span.stop]
    total, done = sum(sizes[index] for index in chosen), 0
    try:
        check_names(source, opened.schema_arrow.names, "")
        batches = opened.iter_batches(rows, row_groups=list(chosen), use_threads=False)
        for batch in batches:
            if batch.num_rows:
                chunk = ArrowChunk(source, before + done + 1, batch)
                done += batch.num_rows
                yield Read(chunk, done / total)
        if not done:
            nothing = opened.schema_arrow.empty_table().to_batches() or [
                pyarrow.RecordBatch.from_pylist([], opened.schema_arrow)
            ]
            yield Read(ArrowChunk(source, before + 1, nothing[0]), 1.0)
    except (pyarrow.ArrowException, OSError, *UNREADABLE) as error:
        raise source.refused("", *DAMAGED) from error
    if done != total:
        wrong = f"{done} rows could be read of {total}"
        raise source.refused("", wrong, DAMAGED[1])


def _read_csv(source: Source) -> Iterator[ArrowChunk]:
    names: list[str] = []
    is_empty = True
    for block in text_blocks(source, LIMITS):
        if not names:
            header, _, data = block.data.partition(b"\n")
            check_header(source, header.decode(), data, LIMITS)
            names = [name.strip() for name in split_line(header.decode())]
            check_names(source, names, "line 1, ")
            block = Block(block.first_line + 1, data)
        if block.data:
            check_rows(source, block, len(names), LIMITS)
            is_empty = False
            yield ArrowChunk(source, block.first_line, _parse_csv(block.data, names), True)
    if not names:
        raise source.refused("line 1", "is empty", "a header with the names of the columns")
    if is_empty:
        texts = pyarrow.schema([(name, pyarrow.string()) for name in names])
        yield ArrowChunk(source, 2, pyarrow.RecordBatch.from_pylist([], texts), True)


def _parse_csv(data: bytes, names: list[str]) -> Any:
    """Lines that were proved to be rows: each cell as the text it is."""
    table = arrow_csv.read_csv(
        pyarrow.py_buffer(data),
        arrow_csv.ReadOptions(use_threads=False, column_names=names, block_size=len(data) + 1),
        arrow_csv.ParseOptions(newlines_in_values=False),
        arrow_csv.ConvertOptions(
            column_types={name: pyarrow.string() for name in names},
            null_values=[],
            strings_can_be_null=False,
        ),
    )
    return table.combine_chunks().to_batches()[0]


def _read_ndjson(source: Source) -> Iterator[RecordsChunk]:
    names: tuple[str, ...] | None = None
    for block in text_blocks(source, LIMITS):
        records = objects_of(source, block)
        names = tuple(records[0]) if names is None else names
        check_names(source, names, "line 1, ")
        yield RecordsChunk(source, block.first_line, names, records)
    if names is None:
        raise source.refused("line 1", "is empty", "a JSON object")
