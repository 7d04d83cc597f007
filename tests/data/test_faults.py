"""All faults of a file are told at once: each kind with how often it is there, and its rows."""

from pathlib import Path

import numpy as np
import pytest

from service.data.dataset import Expected
from tests.data.made import (
    FEATURES,
    HEADER,
    LABELS,
    csv_text,
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

ONE = expected(signature=signature((1,)))


def test_one_fault_is_told_alone(tmp_path: Path) -> None:
    text = refusal(write_csv(tmp_path / "a.csv", csv_text() + "1,,3,4,0\n"))

    assert text == "line 12, column 2 ('b'): is empty; expected a number"


def test_every_kind_of_fault_has_its_lines(tmp_path: Path) -> None:
    rows = "1,,3,4,0\n1,2,3,4,cat\n1,x,3,4,7\n1,1e39,3,4,1\n1,2,,4,0\n" + "1,2,3,4,dog\n" * 6
    text = refusal(write_csv(tmp_path / "a.csv", HEADER + csv_text().split("\n", 1)[1] + rows))

    assert text.startswith(
        "line 12, column 2 ('b'): is empty; expected a number. In all 12 faults:"
    )
    assert "2 empty values (lines 12, 16)" in text
    assert "1 values that aren't numbers (line 14)" in text
    assert "1 too large values (line 15)" in text
    assert "7 unknown labels (lines 13, 17, 18, 19, 20 and 2 more)" in text
    assert "1 labels: values out of range (line 14)" in text


def test_faults_are_gathered_over_blocks_until_there_are_many(tmp_path: Path) -> None:
    good = "0.25,0\n0.5,1\n" * 300_000
    few = write_csv(tmp_path / "a.csv", f"a,y\nx,0\n{good}y,1\n")
    many = write_csv(tmp_path / "b.csv", f"a,y\n{'x,0' + chr(10):}" + "x,0\n" * 2000 + good)

    assert "2 values that aren't numbers (lines 2, 600003)" in refusal(few, ONE)
    assert "In all 2001 faults or more; the rest isn't read" in refusal(many, ONE)


@pytest.mark.parametrize("name", ["a.npz", "a.json", "a.ndjson", "a.parquet"])
def test_every_format_counts_its_faults(tmp_path: Path, name: str) -> None:
    features = FEATURES.astype(np.float64)
    features[2, 1], features[2, 3], features[7, 0] = 1e39, 1e39, 1e300
    labels = LABELS.copy()
    labels[4] = 9
    path = tmp_path / name
    match path.suffix:
        case ".npz":
            write_npz(path, x=features, y=labels)
        case ".json":
            write_json(path, {"x": features.tolist(), "y": labels.tolist()})
        case ".ndjson":
            lines = zip(features.tolist(), labels.tolist(), strict=True)
            write_lines(path, *({"x": row, "y": label} for row, label in lines))
        case _:
            write_parquet(path, {**dict(zip("abcd", features.T, strict=True)), "y": labels})

    text = refusal(path)

    first = 0 if path.suffix in (".npz", ".json") else 1
    unit = "lines" if path.suffix == ".ndjson" else "rows"
    assert "In all" in text
    assert "too large values" in text
    assert f"({unit} {2 + first}, {7 + first})" in text or f"({unit[:-1]} {7 + first})" in text
    assert "values out of range" in text


def weighted(**more: str) -> Expected:
    return expected(signature=signature((1,)), weight_column="w", **more)


def test_weights_and_times_are_read_from_every_format(tmp_path: Path) -> None:
    wanted = weighted(time_column="t")
    days = ["1970-01-01", "1970-01-02T00:00:00Z", "1970-01-01T01:00:00+01:00"]
    rows = [{"a": n, "y": n % 2, "w": n / 2, "t": day} for n, day in enumerate(days)]
    table = {key: [row[key] for row in rows] for key in rows[0]}
    arrays = {**{key: table[key] for key in "ywt"}, "x": [[0], [1], [2]]}
    dates = np.array(["1970-01-01", "1970-01-02", "1970-01-01"], "datetime64[ns]")
    text = "w,a,y,t\n" + "".join("{w},{a},{y},{t}\n".format(**row) for row in rows)
    seconds = [0.0, 86400.0, 0.0]

    for path in (
        write_csv(tmp_path / "a.csv", text),
        write_lines(tmp_path / "b.ndjson", *rows),
        write_json(tmp_path / "c.json", table),
        write_parquet(tmp_path / "d.parquet", table),
        write_parquet(tmp_path / "e.parquet", {**table, "t": dates}),
        write_npz(
            tmp_path / "f.npz", x=np.arange(3)[:, None], y=[0, 1, 0], w=[0, 0.5, 1], t=seconds
        ),
        write_json(tmp_path / "g.json", arrays),
    ):
        dataset = read(path, wanted)
        assert dataset.weights is not None
        assert dataset.times is not None
        assert dataset.weights.tolist() == [0, 0.5, 1], path.name
        assert dataset.weights.dtype == np.float32
        assert dataset.times.tolist() == seconds, path.name
        assert dataset.inputs["input"].tolist() == [[0], [1], [2]]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("1,0,-1", "line 4, column 3 ('w'): is -1; expected a weight of 0 or more"),
        ("1,0,1e39", "line 4, column 3 ('w'): is 1e+39; expected a number that fits float32"),
        ("1,0,", "line 4, column 3 ('w'): is empty"),
    ],
)
def test_a_weight_is_a_number_that_is_not_negative(tmp_path: Path, row: str, words: str) -> None:
    path = write_csv(tmp_path / "a.csv", f"a,y,w\n1,0,1\n2,1,1\n{row}\n")

    assert words in refusal(path, weighted())


def test_a_time_that_is_none_is_told(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", "a,y,t\n1,0,2026-01-01\n2,1,soon\n")
    wanted = expected(signature=signature((1,)), time_column="t")

    assert "line 3, column 3 ('t'): is 'soon'; expected a number, or a time" in refusal(
        path, wanted
    )


def test_columns_that_are_ignored_or_left_out_are_recorded(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", "id,a,y\nabc,1,0\ndef,2,1\n")

    ignoring = read(path, expected(signature=signature((1,)), ignored=("id",)))
    leaving = read(path, expected(signature=signature((1,)), columns=("a",), leaves_others=True))

    assert ignoring.warnings == leaving.warnings == ("left out: 'id'",)
    assert ignoring.inputs["input"].tolist() == [[1], [2]]
    assert "the column 'nr' is missing among 'id', 'a', 'y'" in refusal(
        path, expected(signature=signature((1,)), ignored=("nr",))
    )
