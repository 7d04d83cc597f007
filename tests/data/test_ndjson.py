"""NDJSON: one object a line, of numbers or of arrays."""

from pathlib import Path

import numpy as np
import pytest

from service.data.dataset import DataLimits
from tests.data.made import (
    FEATURES,
    LABELS,
    NAMES,
    expected,
    read,
    refusal,
    signature,
    write_lines,
)

ARRAYS = [{"x": row.tolist(), "y": int(label)} for row, label in zip(FEATURES, LABELS, strict=True)]
COLUMNS = [{**dict(zip(NAMES, line["x"], strict=True)), "y": line["y"]} for line in ARRAYS]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.ndjson"


@pytest.mark.parametrize("records", [ARRAYS, COLUMNS])
@pytest.mark.parametrize("name", ["rows.ndjson", "rows.json", "rows"])
def test_reads_arrays_and_columns_whatever_the_name(
    tmp_path: Path, records: list[dict[str, object]], name: str
) -> None:
    dataset = read(write_lines(tmp_path / name, *records))

    assert np.array_equal(dataset.inputs["input"], FEATURES)
    assert dataset.labels.tolist() == LABELS.tolist()


def test_keys_may_stand_in_any_order(path: Path) -> None:
    records = [COLUMNS[0], dict(reversed(COLUMNS[1].items()))]

    assert np.array_equal(read(write_lines(path, *records)).inputs["input"], FEATURES[:2])


def test_takes_several_inputs_and_labels_of_several_numbers(path: Path) -> None:
    wanted = expected(signature=signature((2, 2), (None,), outputs=2), classes=None)
    line = {"input": [[1, 2], [3, 4]], "input_1": [5, 6, 7], "y": [0.5, 1]}

    dataset = read(write_lines(path, line, line), wanted)

    assert dataset.inputs["input"].shape == (2, 2, 2)
    assert dataset.inputs["input_1"].tolist() == [[5, 6, 7]] * 2
    assert dataset.labels.tolist() == [[0.5, 1]] * 2


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "line 3: is no JSON object (Expecting"),
        ("[1]", "line 3: is no JSON object (expected a JSON object, got list)"),
        ('{"x": [NaN]}', "line 3: is no JSON object (NaN is no JSON number)"),
        ('{"x": [1], "x": [2]}', "line 3: is no JSON object (the key 'x' stands twice"),
        ({"x": [1, 2, 3, 4]}, "line 3: 'y' is missing; expected the keys of line 1: 'x', 'y'"),
        ({"x": [1, 2, 3, 4], "y": 0, "z": 0}, "line 3: 'z' is new"),
        ({"x": [1, 2, 3], "y": 0}, "line 3, 'x': has the shape (3,); expected (4,)"),
        ({"x": 1, "y": 0}, "line 3, 'x': has the shape (); expected (4,)"),
        ({"x": [1, 2, None, 4], "y": 0}, "line 3, 'x'[2]: is null; expected a number"),
        ({"x": [1, 2, "3", 4], "y": 0}, "line 3, 'x'[2]: is the text '3'"),
        ('{"x": [1, 2, 1e400, 4], "y": 0}', "line 3, 'x'[2]: is infinite or too large"),
        ({"x": [1, 2, [3], 4], "y": 0}, "line 3, 'x'[2]: is a list"),
        ({"x": [1, 2, 3, 4], "y": 7}, "line 3, 'y': is 7; expected a whole number from 0 to 1"),
        ({"x": [1, 2, 3, 4], "y": [0]}, "line 3, 'y': is a list; expected a number"),
        ({"x": [1, 2, 3, 4], "y": True}, "line 3, 'y': is a boolean"),
        ("\n" + '{"x": [1, 2, 3, 4], "y": 0}', "line 3: is empty"),
    ],
)
def test_names_the_line_at_fault(path: Path, line: object, words: str) -> None:
    assert words in refusal(write_lines(path, *ARRAYS[:2], line))


def test_the_first_line_must_fit_the_model(path: Path) -> None:
    assert "line 1, 'x': has the shape (1,); expected (4,)" in refusal(
        write_lines(path, {"x": [1], "y": 0})
    )
    assert "line 1: has 1 feature columns; expected 4" in refusal(
        write_lines(path, {"a": 1, "y": 0})
    )
    assert "line 1: is empty" in refusal(write_lines(path, ""))


def test_limits_hold(path: Path) -> None:
    write_lines(path, *ARRAYS)

    assert "has 10 rows or more" in refusal(path, limits=DataLimits(max_rows=9))
    assert "line 1: is longer than 9 bytes" in refusal(path, limits=DataLimits(max_line_bytes=9))
    assert "line 1: has 2 columns" in refusal(path, limits=DataLimits(max_columns=1))
