"""Tables are read in chunks and written again: nothing is lost, and every fault has its place."""

import datetime
import errno
import json
import os
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.base.refusals import DataRefused
from service.base.signature import Signature, TensorSpec
from service.data.dataset import Expected
from service.data.source import Source
from service.data.tables.chunk import ArrowChunk, Chunk, find_bad
from service.data.tables.found import Table, find_tables, open_table
from service.data.tables.matching import match_features
from service.data.tables.reading import Span, read_chunks
from service.data.tables.tensors import read_tensors
from service.data.tables.writing import Layout, open_writer
from service.recipe.data import Columns

NOTHING: frozenset[str] = frozenset()
OUT = TensorSpec("y", "float32", (None, 1))


def read(path: Path, rows: int = 100, span: Span | None = None) -> list[Chunk]:
    (table,) = find_tables(path)
    kind, source = open_table(table)
    with source.stream:
        return [one.chunk for one in read_chunks(kind, source, rows, span)]


def expected(*inputs: TensorSpec) -> Expected:
    return Expected(Signature(inputs, (OUT,)), None)


def tensors(chunk: Chunk, *inputs: TensorSpec, **columns: Any) -> dict[str, np.ndarray]:
    return read_tensors(chunk, match_features(chunk, Columns(**columns), expected(*inputs)))


@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_every_row_is_read_once_with_its_number(tmp_path: Path, rows: int) -> None:
    pq.write_table(pa.table({"a": range(100)}), tmp_path / "a.parquet", row_group_size=30)
    (tmp_path / "a.csv").write_text("a\r\n" + "".join(f"{n}\r\n" for n in range(100)))
    (tmp_path / "a.ndjson").write_text("".join(f'{{"a": {n}}}\n' for n in range(100)))
    for name, first in (("a.parquet", 1), ("a.csv", 2), ("a.ndjson", 1)):
        chunks = read(tmp_path / name, rows)
        found = [int(row["a"]) for c in chunks for row in c.records(["a"], NOTHING)]
        assert found == list(range(100))
        assert [c.first for c in chunks] == [
            first + sum(c.rows for c in chunks[:n]) for n in range(len(chunks))
        ]
        assert max(c.rows for c in chunks) <= rows
    span = read(tmp_path / "a.parquet", 1000, Span(1, 3))
    assert span[0].first == 31
    assert sum(c.rows for c in span) == 60


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"a,b\n1\n", "line 2: has 1 column; expected 2 as the header"),
        ("a.csv", b"a,a\n1,2\n", "has the same name as column 1"),
        ("a.csv", b"1,2\n3,4\n", "has numbers in place of names"),
        ("a.csv", b"a;b\n1;2\n", "columns are separated by semicolons"),
        ("a.csv", b'a\n"x\n', "has a quote that never closes"),
        ("a.csv", b"", "a.csv: is empty"),
        ("a.ndjson", b'{"a": 1}\n{"a": NaN}\n', "line 2: is no JSON object"),
        ("a.ndjson", b"[1]\n", "line 1: is no JSON object"),
        ("a.parquet", b"PAR1" + b"x" * 50, "the footer: is missing"),
        ("a.parquet", b"PAR1" + b"x" * 50 + b"\x20\0\0\0PAR1", "is damaged or cut off"),
        ("a.npz", b"PK\x03\x04", "is NPZ; expected Parquet, CSV or NDJSON"),
        ("a.csv", b"\x80\x04.", "is a pickle, which is never read"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataRefused) as refused:
        read(tmp_path / name)
    assert words in str(refused.value)


def test_a_file_that_changes_kind_is_told_by_its_content(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.csv")
    told = (tmp_path / "a.csv").stat()
    kind, source = open_table(Table(tmp_path / "a.csv", "a.csv", told.st_size, told.st_mtime_ns))
    source.stream.close()
    assert kind == "parquet"


def arrow(**columns: Any) -> ArrowChunk:
    return ArrowChunk(Source("t.parquet", BytesIO(), 0), 1, pa.record_batch(columns))


IMAGE = TensorSpec("image", "float32", (None, 2, 2))
PAIR = TensorSpec("pair", "float32", (None, 2))
WORD = TensorSpec("word", "int64", (None, 2), vocabulary=10)
SERIES = TensorSpec("series", "float32", (None, None, 2))


@pytest.mark.parametrize(
    "values",
    [
        [[1.0, 2, 3, 4]],
        [[[1, 2], [3, 4]]],
        pa.FixedSizeListArray.from_arrays(pa.array([1.0, 2, 3, 4], pa.float16()), 4),
        pa.array([[[1, 2], [3, 4]]], pa.large_list(pa.list_(pa.int8()))),
    ],
    ids=["flat", "nested", "fixed", "large"],
)
def test_lists_of_every_kind_make_an_image(values: Any) -> None:
    found = tensors(arrow(image=values, id=[7]), IMAGE)["image"]
    assert found.dtype == np.dtype(np.float32)
    assert found.tolist() == [[[1, 2], [3, 4]]]


def test_columns_fill_several_inputs_in_their_order() -> None:
    chunk = arrow(a=[1, 2], b=[3.5, 4], c=[5, 6], d=[7, 8])
    found = tensors(chunk, PAIR, TensorSpec("other", "float32", (None, 2)))
    assert {name: array.tolist() for name, array in found.items()} == {
        "pair": [[1, 3.5], [2, 4]], "other": [[5, 7], [6, 8]],
    }  # fmt: skip


def test_equal_sequences_need_no_declaration() -> None:
    found = tensors(arrow(series=[[[1.0, 2]], [[3.0, 4]]]), SERIES)["series"]
    assert found.shape == (2, 1, 2)


@pytest.mark.parametrize(
    ("chunk", "spec", "words"),
    [
        (arrow(a=[1, None], b=[1, 2]), PAIR, "row 1, column 1 ('a'): is empty"),
        (arrow(word=[[1, 10]]), WORD, "('word')[1]: is 10; expected a whole number from 0 to 9"),
        (arrow(word=[[1, 1.5]]), WORD, "('word')[1]: is 1.5; expected a whole number"),
        (arrow(pair=[[1.0, float("inf")]]), PAIR, "is infinite or too large"),
        (arrow(pair=[[1.0, 1e300]]), PAIR, "expected a number that fits float32"),
        (arrow(pair=[[["a"]]]), PAIR, "has 0 columns of numbers"),
        (arrow(pair=[[[1.0, 2.0]]]), PAIR, "is no list of numbers"),
        (arrow(image=[[1.0, 2]]), IMAGE, "has a list of 2; expected the shape (4,)"),
        (arrow(series=[[[1.0]]]), SERIES, "has the shape (1, 1); expected (?, 2)"),
        (arrow(a=[1], b=["x"], c=[2], d=[3]), PAIR, "has 3 columns of numbers, but the model"),
        (arrow(a=["x"]), PAIR, "has 0 columns of numbers"),
    ],
    ids=["gap", "vocabulary", "whole", "infinite", "float32", "texts", "depth", "length", "steps",
         "many", "none"],
)  # fmt: skip
def test_what_the_model_cannot_take_is_named(
    chunk: ArrowChunk, spec: TensorSpec, words: str
) -> None:
    with pytest.raises(DataRefused) as refused:
        tensors(chunk, spec)
    assert words in str(refused.value)


def test_texts_are_for_no_such_model() -> None:
    with pytest.raises(DataRefused, match="takes texts"):
        tensors(arrow(a=["x"]), TensorSpec("t", "string", (None, 1)))


def test_every_bad_row_is_found() -> None:
    bad = {3, 4, 17, 99}
    values = np.zeros((100, 2), np.float32)
    values[list(bad), 1] = np.nan
    chunk = arrow(pair=list(values))
    features = match_features(chunk, Columns(), expected(PAIR))
    found = find_bad(chunk, lambda part: read_tensors(part, features), (DataRefused,))
    assert {row for row, _ in found} == bad
    assert {str(error).partition(",")[0] for _, error in found} == {
        f"t.parquet: row {row + 1}" for row in bad
    }


ALL_KINDS = pa.table(
    {
        "text": ['a "b", c', None, " d"],
        "coded": pa.array(["x", "y", "x"]).dictionary_encode(),
        "flag": [True, None, False],
        "day": [datetime.date(2026, 1, 2), None, None],
        "bytes": [b"\x00\xff", None, b""],
        "lists": [[1.5, None, float("nan")], None, []],
        "words": [["a\"b", "c"], [], None],
        "deep": [[[1, 2], []], None, [[3]]],
        "record": [{"k": 1}, None, {"k": 2}],
        "single": pa.array([0.1, None, 1e-7], pa.float32()),
    }
)  # fmt: skip


def rewrite(tmp_path: Path, kind: Any) -> Path:
    pq.write_table(ALL_KINDS, tmp_path / "a.parquet")
    (chunk,) = read(tmp_path / "a.parquet")
    added = pa.schema([("p", pa.list_(pa.float32()))])
    layout = Layout(chunk.names, NOTHING, added)
    writer = open_writer(kind, tmp_path / "b", layout)
    writer.write(chunk, [pa.array([[0.1, 2], None, []], pa.list_(pa.float32()))])
    writer.close()
    return tmp_path / "b"


def test_columns_of_every_kind_come_out_of_parquet_the_same(tmp_path: Path) -> None:
    table = pq.read_table(rewrite(tmp_path, "parquet"))
    assert table.drop(["p", "lists"]).equals(ALL_KINDS.drop(["lists"]))
    assert table["p"].type == pa.list_(pa.float32())


def test_columns_of_every_kind_become_cells(tmp_path: Path) -> None:
    assert rewrite(tmp_path, "csv").read_text().splitlines() == [
        "text,coded,flag,day,bytes,lists,words,deep,record,single,p",
        '"a ""b"", c",x,true,2026-01-02,00ff,"[1.5,null,null]","[""a\\""b"",""c""]","[[1,2],[]]",'
        '"{""k"":1}",0.1,"[0.1,2]"',
        ",y,,,,,[],,,,",
        '" d",x,false,,,[],,[[3]],"{""k"":2}",1e-7,[]',
    ]


def test_columns_of_every_kind_become_keys(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in rewrite(tmp_path, "ndjson").read_text().splitlines()]
    assert lines[0]["text"] == 'a "b", c'
    assert lines[0]["lists"] == [1.5, None, None]
    assert (lines[0]["day"], lines[0]["record"]) == ("2026-01-02", {"k": 1})
    assert (lines[0]["p"], lines[1]["p"], lines[2]["p"]) == ([0.1, 2], None, [])
    assert [lines[0]["bytes"], lines[1]["flag"]] == ["00ff", None]


def test_a_name_that_no_manifest_can_hold_is_refused(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path / "x") + b"\xe9.csv")).write_text("a\n1\n")
    with pytest.raises(DataRefused, match="has a name that isn't UTF-8"):
        find_tables(tmp_path)


@pytest.mark.parametrize("wrong", ["folder", "link"])
def test_what_cannot_be_read_is_not_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    locked = tmp_path / "in" / "locked"
    locked.mkdir(parents=True)
    (tmp_path / "in" / "a.csv").write_text("a\n1\n")
    scandir = os.scandir

    def scan(path: Any) -> Any:
        if Path(path) == locked:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    if wrong == "folder":
        monkeypatch.setattr(os, "scandir", scan)
    else:
        (locked / "b.csv").symlink_to(tmp_path / "nowhere")
    name, why = {
        "folder": ("in/locked", "Permission denied"),
        "link": ("in/locked/b.csv", "No such file or directory"),
    }[wrong]
    with pytest.raises(DataRefused, match=rf"^{name}: can't be read \({why}\)"):
        find_tables(tmp_path / "in")


def test_rows_that_change_their_kind_cannot_be_written_as_columns(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_text('{"a": 1}\n{"a": "x"}\n')
    chunks = read(tmp_path / "a.ndjson", 1)
    writer = open_writer("parquet", tmp_path / "b", Layout(("a",), NOTHING, pa.schema([])))
    writer.write(chunks[0], [])
    with pytest.raises(DataRefused, match="rows from 2 on: differ from others"):
        writer.write(chunks[1], [])
    writer.close()
