"""Rows written as text: CSV with lists as JSON in quotes, or one JSON object a line."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow
import pyarrow.compute as pc

from service.data.tables.chunk import Chunk, agreeing
from service.data.wording import quoted

NEEDS_QUOTES = '[",\r\n]|^ | $'
NONE: frozenset[str] = frozenset()


class CsvWriter:
    """A header and a line a row; texts stay as they are, floats are as short as they can be."""

    def __init__(self, path: Path, kept: Sequence[str], added: Sequence[str]) -> None:
        self._kept = kept
        self._file = path.open("wb")
        header = _quoted(pyarrow.array([*kept, *added], pyarrow.string()))
        self._file.write(",".join(header.to_pylist()).encode() + b"\n")

    def write(self, chunk: Chunk, added: Sequence[Any]) -> None:
        with agreeing(chunk):
            kept = chunk.batch(self._kept, NONE)
            columns = [_quoted(_texts(column)) for column in [*kept.columns, *added]]
            lines = pc.binary_join_element_wise(
                *columns, ",", null_handling="replace", null_replacement=""
            )
        if chunk.rows:
            self._file.write("\n".join(lines.to_pylist()).encode() + b"\n")

    def close(self) -> None:
        self._file.close()


class NdjsonWriter:
    """An object a line: the row's own keys if any are kept, then those that were added."""

    def __init__(
        self,
        path: Path,
        kept: Sequence[str] | None,
        added: Sequence[str],
        numbers: frozenset[str],
    ) -> None:
        self._kept = kept
        self._added = added
        self._numbers = numbers
        self._file = path.open("wb")

    def write(self, chunk: Chunk, added: Sequence[Any]) -> None:
        values = [list(_values(column)) for column in added]
        for row, record in enumerate(self._records(chunk)):
            where = f"{chunk.word} {chunk.first + row}"
            twice = next((name for name in self._added if name in record), None)
            if twice is not None:
                wrong = f"has {quoted(twice)} already"
                raise chunk.source.refused(where, wrong, "a prefix for what is added (prefix)")
            for name, column in zip(self._added, values, strict=True):
                record[name] = column[row]
            try:
                line = _line(record)
            except TypeError as error:
                wrong = f"has a value that can't be written ({error})"
                raise chunk.source.refused(where, wrong, "other columns to keep (keep)") from error
            self._file.write(line)

    def _records(self, chunk: Chunk) -> list[dict[str, Any]]:
        if self._kept is None:
            return [{} for _ in range(chunk.rows)]
        return chunk.records(self._kept, self._numbers)

    def close(self) -> None:
        self._file.close()


def _line(record: dict[str, Any]) -> bytes:
    return orjson.dumps(
        record, default=_plain, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
    )


def _plain(value: Any) -> str:
    """What JSON has no word for: bytes in hexadecimal, decimals and times as people write them."""
    return value.hex() if isinstance(value, bytes) else str(value)


def _values(column: Any) -> Iterator[Any]:
    """One value a row; floats stay as narrow as they are, so that they are written as short."""
    kind = column.type
    if pyarrow.types.is_list(kind) and pyarrow.types.is_floating(kind.value_type):
        flat, ends = column.values.to_numpy(), column.offsets.to_numpy()
        for row, is_there in enumerate(column.is_valid().to_pylist()):
            yield np.ascontiguousarray(flat[ends[row] : ends[row + 1]]) if is_there else None
    elif pyarrow.types.is_floating(kind):
        numbers = column.to_numpy(zero_copy_only=False)
        for number, is_there in zip(numbers, column.is_valid().to_pylist(), strict=True):
            yield number if is_there else None
    else:
        yield from column.to_pylist()


def _texts(column: Any) -> Any:
    """Each value as a cell says it; null where there is none."""
    kind = column.type
    if pyarrow.types.is_dictionary(kind):
        column = column.dictionary_decode()
    if pyarrow.types.is_nested(kind):
        return _json(column)
    types = pyarrow.types
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return pyarrow.array([None if v is None else v.hex() for v in column.to_pylist()], "string")
    return pc.cast(column, pyarrow.string())


def _json(column: Any) -> Any:
    """Lists as JSON."""
    kind = column.type
    if pyarrow.types.is_fixed_size_list(kind):
        return _json(column.cast(pyarrow.list_(kind.value_type)))
    is_list = pyarrow.types.is_list(kind) or pyarrow.types.is_large_list(kind)
    is_plain = is_list and pyarrow.types.is_primitive(kind.value_type)
    if not (is_plain or (is_list and pyarrow.types.is_nested(kind.value_type))):
        lines = [None if v is None else _line({"v": v})[5:-2].decode() for v in column.to_pylist()]
        return pyarrow.array(lines, pyarrow.string())
    inner = column.flatten()
    texts = _json(inner) if pyarrow.types.is_nested(inner.type) else _json_numbers(inner)
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    lists = pyarrow.ListArray.from_arrays(offsets, texts)
    joined = pc.binary_join_element_wise("[", pc.binary_join(lists, ","), "]", "")
    return pc.if_else(column.is_valid(), joined, pyarrow.scalar(None, pyarrow.string()))


def _json_numbers(values: Any) -> Any:
    texts = pc.cast(values, pyarrow.string())
    if pyarrow.types.is_floating(values.type):
        texts = pc.if_else(pc.is_finite(values), texts, "null")
    return pc.fill_null(texts, "null")


def _quoted(texts: Any) -> Any:
    """In quotes where a cell couldn't be told from its neighbours."""
    needs = pc.match_substring_regex(texts, NEEDS_QUOTES)
    if not pc.any(needs).as_py():
        return texts
    doubled = pc.replace_substring(texts, '"', '""')
    return pc.if_else(needs, pc.binary_join_element_wise('"', doubled, '"', ""), texts)
