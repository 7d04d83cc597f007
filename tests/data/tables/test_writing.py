"""Values that a format has no form for are told, and all others are written as they are."""

from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.base.refusals import DataRefused
from service.data.tables.found import Kind, find_tables, open_table
from service.data.tables.reading import read_chunks
from service.data.tables.writing import Layout, open_writer


def test_hashes_and_ids_of_many_bits_are_written(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_text('{"a": 1}\n{"a": 18446744073709551615}\n')
    kinds: tuple[Kind, ...] = ("csv", "ndjson", "parquet")
    for kind in kinds:
        write_one(tmp_path / "a.ndjson", kind, tmp_path / kind)
    assert (tmp_path / "csv").read_text() == "a\n1\n18446744073709551615\n"
    assert (tmp_path / "ndjson").read_text().endswith(":18446744073709551615}\n")
    assert pq.read_table(tmp_path / "parquet")["a"].to_pylist() == [1, 2**64 - 1]
    table = pa.table({"a": pa.array([b"\xff" * 16, None], pa.binary(16))})
    pq.write_table(table, tmp_path / "b.parquet")
    write_one(tmp_path / "b.parquet", "csv", tmp_path / "b")
    assert (tmp_path / "b").read_text() == f"a\n{'ff' * 16}\n\n"


@pytest.mark.parametrize(
    ("lines", "kind", "words"),
    [
        ('{"a": 1}\n{"a": "x"}\n', "csv", "rows from 1 on: differ from others"),
        ('{"a": {"b": 1}}\n{"a": "x"}\n', "csv", "rows from 1 on: differ from others"),
        ('{"a": true}\n{"a": 1}\n', "parquet", "rows from 1 on: differ from others"),
        ('{"a": 99999999999999999999}\n', "csv", "takes more than 64 bits"),
        ('{"a": 99999999999999999999}\n', "parquet", "takes more than 64 bits"),
        ('{"a": 1}\n{"a": 99999999999999999999}\n', "ndjson", "line 2: has a value that can't be"),
    ],
)
def test_values_that_have_no_form_in_a_format_are_told(
    tmp_path: Path, lines: str, kind: Kind, words: str
) -> None:
    (tmp_path / "a.ndjson").write_text(lines)
    with pytest.raises(DataRefused, match=f"a.ndjson: .*{words}"):
        write_one(tmp_path / "a.ndjson", kind, tmp_path / "out")


def write_one(path: Path, kind: Kind, out: Path) -> None:
    """The rows of a file with a column `a`, written again."""
    (table,) = find_tables(path)
    told, source = open_table(table)
    writer = open_writer(kind, out, Layout(("a",), frozenset(), pa.schema([])))
    with source.stream, closing(writer):
        for one in read_chunks(told, source, 100):
            writer.write(one.chunk, [])
