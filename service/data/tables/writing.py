"""Write rows with the columns that were added to them, in the order in which they come."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow
from pyarrow import parquet

from service.data.dataset import MIB
from service.data.tables.chunk import Chunk, agreeing
from service.data.tables.found import Kind
from service.data.tables.text_writing import CsvWriter, NdjsonWriter
from service.recipe.batch import Keep

GROUP_BYTES = 32 * MIB
GROUP_ROWS = 1_000_000
CODEC, LEVEL = "zstd", 1


@dataclass(frozen=True, slots=True)
class Layout:
    """`kept` are columns of the file that are written again, `numbers` those of them that hold
    numbers where they are texts, `added` the fields of the columns that are put beside them.
    `keep` tells what becomes of keys that the first row doesn't have, and of the file's metadata.
    """

    kept: tuple[str, ...]
    numbers: frozenset[str]
    added: Any
    keep: Keep = "all"


class TableWriter(Protocol):
    """What writes one file."""

    def write(self, chunk: Chunk, added: Sequence[Any]) -> None:
        """Some rows, and the columns that were added to them."""

    def close(self) -> None:
        """End the file; without it there isn't one."""


def open_writer(kind: Kind, path: Path, layout: Layout) -> TableWriter:
    """A new file of this kind."""
    if kind == "parquet":
        return ParquetWriter(path, layout)
    if kind == "csv":
        return CsvWriter(path, layout.kept, layout.added.names)
    kept = None if layout.keep == "none" else layout.kept
    return NdjsonWriter(path, kept, layout.added.names, layout.numbers)


class ParquetWriter:
    """Rows in groups of some megabytes: a group is in memory until it is written."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self._path = path
        self._layout = layout
        self._writer: Any = None
        self._schema: Any = None
        self._waiting: list[Any] = []
        self._bytes = self._rows = 0

    def write(self, chunk: Chunk, added: Sequence[Any]) -> None:
        batch = self._batch(chunk, added)
        self._waiting.append(batch)
        self._bytes += batch.nbytes
        self._rows += batch.num_rows
        if self._bytes >= GROUP_BYTES or self._rows >= GROUP_ROWS:
            self._flush()

    def close(self) -> None:
        if self._waiting:
            self._flush()
        if self._writer is not None:
            self._writer.close()

    def _batch(self, chunk: Chunk, added: Sequence[Any]) -> Any:
        layout = self._layout
        with agreeing(chunk):
            kept = chunk.batch(layout.kept, layout.numbers)
            if self._schema is None:
                self._open(kept.schema)
            columns = [
                column.cast(field.type)
                for column, field in zip([*kept.columns, *added], self._schema, strict=True)
            ]
        return pyarrow.RecordBatch.from_arrays(columns, schema=self._schema)

    def _open(self, kept: Any) -> None:
        """By what the first rows hold. Floats don't repeat, so that no dictionary is tried."""
        fields = [*kept, *self._layout.added]
        metadata = kept.metadata if self._layout.keep == "all" else None
        self._schema = pyarrow.schema(fields, metadata)
        coded = [path for field in fields for path in _coded(field)]
        flat = [field.name for field in fields if not hasattr(field.type, "value_type")]
        self._writer = parquet.ParquetWriter(
            self._path, self._schema, compression=CODEC, compression_level=LEVEL,
            use_dictionary=coded or False, write_statistics=flat or False,
        )  # fmt: skip

    def _flush(self) -> None:
        table = pyarrow.Table.from_batches(self._waiting, self._schema)
        self._writer.write_table(table, row_group_size=GROUP_ROWS)
        self._waiting, self._bytes, self._rows = [], 0, 0


def _coded(field: Any) -> list[str]:
    """The column's path, if its values are worth a dictionary."""
    kind, path = field.type, field.name
    while hasattr(kind, "value_type") and not pyarrow.types.is_dictionary(kind):
        kind, path = kind.value_type, f"{path}.list.element"
    is_nested = pyarrow.types.is_nested(kind)
    return [] if is_nested or pyarrow.types.is_floating(kind) else [path]
