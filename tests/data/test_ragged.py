"""Sequences of any length: every format gives the same padded arrays, or says what is wrong."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.base.sequences import Sequences
from service.data.dataset import DataLimits, Expected
from tests.data.made import (
    expected,
    read,
    refusal,
    signature,
    write_csv,
    write_json,
    write_lines,
    write_npz,
    write_parquet,
)

SERIES = [[[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0], [7.0, 8.0]], [[9.0, 10.0], [11.0, 12.0]]]
LABELS = [0, 1, 0]
POST = [
    [[1, 2], [0, 0], [0, 0]],
    [[3, 4], [5, 6], [7, 8]],
    [[9, 10], [11, 12], [0, 0]],
]


def ragged(*shapes: tuple[int | None, ...], dtype: str = "float32", **told: Any) -> Expected:
    sequences = Sequences(**{"padding": "post", **told})
    return expected(
        signature=signature(*(shapes or ((None, 2),)), dtype=dtype), sequences=sequences
    )


def write_all(folder: Path, name: str = "series") -> list[Path]:
    """The same sequences in every format that can hold them."""
    cells = "".join(f'"{one}",{label}\n' for one, label in zip(SERIES, LABELS, strict=True))
    return [
        write_csv(folder / "a.csv", f"{name},label\n{cells}"),
        write_lines(
            folder / "b.ndjson",
            *({name: one, "y": label} for one, label in zip(SERIES, LABELS, strict=True)),
        ),
        write_json(folder / "c.json", {name: SERIES, "y": LABELS}),
        write_parquet(folder / "d.parquet", {name: SERIES, "y": LABELS}),
    ]


@pytest.mark.parametrize("name", ["series", "x", "input"])
def test_every_format_gives_the_same_padded_rows(tmp_path: Path, name: str) -> None:
    for path in write_all(tmp_path, name):
        dataset = read(path, ragged())
        assert dataset.inputs["input"].tolist() == POST, path.name
        assert dataset.inputs["input"].dtype == np.float32
        assert dataset.labels.tolist() == LABELS


def test_the_longest_is_cut_where_it_is_said(tmp_path: Path) -> None:
    for path in write_all(tmp_path):
        wanted = ragged(max_length=2, truncating="post", padding="pre", value=-1.0)
        assert read(path, wanted).inputs["input"].tolist() == [
            [[-1, -1], [1, 2]], [[3, 4], [5, 6]], [[9, 10], [11, 12]],
        ]  # fmt: skip


def test_a_model_of_fixed_length_is_padded_to_it(tmp_path: Path) -> None:
    for path in write_all(tmp_path):
        dataset = read(path, ragged((4, 2)))
        assert dataset.inputs["input"].shape == (3, 4, 2)
        assert not dataset.inputs["input"][:, 3].any()


def test_sequences_of_one_number_a_step(tmp_path: Path) -> None:
    words = ragged((None,), dtype="int64")
    path = write_csv(tmp_path / "a.csv", 'words,y\n"[3, 1]",0\n[7],1\n')

    assert read(path, words).inputs["input"].tolist() == [[3, 1], [7, 0]]


def test_other_inputs_have_their_columns_beside_them(tmp_path: Path) -> None:
    both = ragged((None, 2), (3,), inputs=("input",))
    text = 'series,a,b,c,y\n"[[1,2]]",5,6,7,0\n"[[1,2],[3,4]]",8,9,10,1\n'
    lines = [{"input": [[1, 2]], "input_1": [5, 6, 7], "y": 0}]
    lines += [{"input": [[1, 2], [3, 4]], "input_1": [8, 9, 10], "y": 1}]
    columns = {"input": [[[1, 2]], [[1, 2], [3, 4]]], "a": [5, 8], "b": [6, 9], "c": [7, 10]}

    for path in (
        write_csv(tmp_path / "a.csv", text),
        write_lines(tmp_path / "b.ndjson", *lines),
        write_parquet(tmp_path / "c.parquet", {**columns, "y": [0, 1]}),
    ):
        dataset = read(path, both)
        assert dataset.inputs["input"].tolist() == [[[1, 2], [0, 0]], [[1, 2], [3, 4]]]
        assert dataset.inputs["input_1"].tolist() == [[5, 6, 7], [8, 9, 10]]


def test_rows_that_are_equally_long_may_be_dense(tmp_path: Path) -> None:
    dense = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    npz = write_npz(tmp_path / "a.npz", x=dense, y=[0, 1])
    flat = write_csv(tmp_path / "b.csv", "a,b,c,d,e,f,y\n0,1,2,3,4,5,0\n6,7,8,9,10,11,1\n")

    for path in (npz, flat):
        assert np.array_equal(read(path, ragged()).inputs["input"], dense)
        longer = read(path, ragged(max_length=5)).inputs["input"]
        assert np.array_equal(longer[:, :3], dense)
        assert longer.shape == (2, 5, 2)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ('"[[1, 2], [3]]"', "line 4, column 1 ('series')[1]: has 1 values; expected a list of 2"),
        ('"[[1, 2, 3]]"', "line 4, column 1 ('series'): has the shape (1, 3); expected (?, 2)"),
        ("[]", "line 4, column 1 ('series'): has no steps; expected at least one"),
        ("5", "line 4, column 1 ('series'): is '5'; expected a list such as [0.1, 0.2]"),
        ("[[0.1 0.2]]", "line 4, column 1 ('series'): is '[[0.1 0.2]]'; expected a list"),
        ('"[[1, null]]"', "line 4, column 1 ('series')[0][1]: is null; expected a number"),
        ('"[[1, 2], [3, 1e39]]"', "line 4, column 1 ('series')[1][1]: is 1e+39"),
    ],
)
def test_names_the_step_at_fault(tmp_path: Path, cell: str, words: str) -> None:
    good = 'series,y\n"[[1, 2]]",0\n"[[1, 2]]",1\n'

    assert words in refusal(write_csv(tmp_path / "a.csv", f"{good}{cell},0\n"), ragged())


@pytest.mark.parametrize(
    ("series", "words"),
    [
        (
            [[[1.0, 2.0]], [[1.0]]],
            "row 2, column 1 ('series'): has a list of 1; expected the shape",
        ),
        ([[[1.0, 2.0]], []], "row 2, column 1 ('series'): has a list of 0"),
        ([[[1.0, 2.0]], [[1.0, None]]], "row 2, column 1 ('series'): has an empty value"),
        ([[[1.0, 2.0]], None], "row 2, column 1 ('series'): is empty"),
        ([[[1.0, 2.0]], [[1.0, 2.0], [3.0, float("nan")]]], "('series')[1][1]: is NaN"),
        ([[1.0, 2.0], [1.0]], "column 1 ('series'): has the type 'list<element: double>'"),
    ],
)
def test_names_the_row_of_a_parquet_file(tmp_path: Path, series: list[object], words: str) -> None:
    path = write_parquet(tmp_path / "a.parquet", {"series": series, "y": [0, 1]})

    assert words in refusal(path, ragged())


def test_lists_of_different_lengths_need_a_declaration(tmp_path: Path) -> None:
    undeclared = expected(signature=signature((None, 2)))

    for path in write_all(tmp_path)[1:2] + write_all(tmp_path)[3:]:
        assert "has a section `sequences:`" in refusal(path, undeclared)


def test_one_long_sequence_does_not_fill_the_memory(tmp_path: Path) -> None:
    long = [[[1, 2]] * 1000] + [[[1, 2]]] * 1000
    path = write_json(tmp_path / "a.json", {"x": long, "y": [0, 1] + [0] * 999})

    text = refusal(path, ragged(), DataLimits(max_cells=1_000_000))

    assert "has 1001 rows of 2000 features or more; expected at most 1000000 numbers" in text
