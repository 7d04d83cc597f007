"""JSON objects of arrays or of columns: what is read, and which array is at fault."""

import json
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
    write_json,
)

X, Y = FEATURES.tolist(), LABELS.tolist()
COLUMNS = {name: FEATURES[:, n].tolist() for n, name in enumerate(NAMES)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.json"


@pytest.mark.parametrize(
    "record",
    [
        {"x": X, "y": Y},
        {"label": [float(label) for label in Y], "input": FEATURES.astype(int).tolist()},
        {"x": X, "y": [[label] for label in Y]},
        {"instances": X, "labels": Y},
        {**COLUMNS, "y": Y},
        {"label": Y, **COLUMNS},
    ],
)
def test_reads_arrays_and_columns(path: Path, record: dict[str, object]) -> None:
    dataset = read(write_json(path, record))

    assert np.array_equal(dataset.inputs["input"], FEATURES)
    assert dataset.inputs["input"].dtype == np.float32
    assert dataset.labels.tolist() == Y


def test_reads_what_windows_wrote(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf\r\n" + json.dumps({"x": X, "y": Y}, indent=1).encode())

    assert read(path).rows == 10


def test_columns_are_found_by_the_names_that_the_operator_gave(path: Path) -> None:
    """Also one that has the name under which arrays are looked for."""
    two = expected(signature=signature((2,)), columns=("w", "x"))

    dataset = read(write_json(path, {"x": [1, 2], "w": [3, 4], "y": [0, 1]}), two)

    assert dataset.inputs["input"].tolist() == [[3, 1], [4, 2]]


def test_takes_several_inputs_of_several_axes(path: Path) -> None:
    two = expected(signature=signature((2, 2), (None,), dtype="int64"))
    record = {"input": [[[1, 2], [3, 4]]] * 2, "input_1": [[5, 6, 7]] * 2, "y": [0, 1]}

    dataset = read(write_json(path, record), two)

    assert dataset.inputs["input"].shape == (2, 2, 2)
    assert dataset.inputs["input_1"].tolist() == [[5, 6, 7]] * 2


def test_names_of_classes_stand_for_their_index(path: Path) -> None:
    record = {"x": X[:3], "y": ["dog", "cat", 1]}

    dataset = read(write_json(path, record), expected(label_names=("cat", "dog")))

    assert dataset.labels.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"x": [[NaN,1,2,3]], "y": [0]}', "line 1, column 9: NaN is no JSON number"),
        ('{"x":\n [[1,-Infinity,2,3]]}', "line 2, column 6: -Infinity is no JSON number"),
        ('{"NaN": 1,\n "x": [[' + "9" * 5000 + "]]}", "line 2, column 9: a whole number of 5000"),
        ('{"x": [[0,1,2,3]], "y": [0], "y": [1]}', "the key 'y' stands twice"),
        ('{"x": [[0,1,2,3]], "y": [0]} garbage', "line 1, column 30: is no JSON (Extra data)"),
        ('{"x": [[0,1,2,3]], "y": [0', "is no JSON"),
        ("[1,2,3]", "expected a JSON object, got list"),
        ("[" * 1_000_000 + "]" * 1_000_000, "nested too deeply"),
        ('{"x": [[0,1,2,3],[1,2]], "y": [0,1]}', "'x'[1]: has 2 values; expected a list of 4"),
        ('{"x": [[0,1,2,3],4], "y": [0,1]}', "'x'[1]: is no list; expected a list of 4"),
        ('{"x": [[0,1,2,[3]]], "y": [0,1]}', "'x'[0][3]: is a list; expected a number"),
        ('{"x": [[1e400,1,2,3]], "y": [0]}', "'x'[0][0]: is infinite or too large"),
        ('{"x": [[0,null,2,3]], "y": [0]}', "'x'[0][1]: is null; expected a number"),
        ('{"x": [[0,"1",2,3]], "y": [0]}', "'x'[0][1]: is the text '1'; expected a number"),
        ('{"x": [[0,true,2,3]], "y": [0]}', "'x'[0][1]: is a boolean; expected a number"),
        ('{"x": [[0,{},2,3]], "y": [0]}', "'x'[0][1]: is an object; expected a number"),
        ('{"x": [[0,1,2,3]], "y": ["cat"]}', "'y'[0]: is the text 'cat'; expected a number, a cl"),
        ('{"x": [[0,1,2,3]], "y": [2]}', "'y'[0]: is 2; expected a whole number from 0 to 1"),
        ('{"x": [[0,1,2,3]], "y": [0]}', "array 'y': has 1 row; expected at least 2"),
        ('{"x": [], "y": []}', "array 'x': has the shape (0,)"),
        ('{"x": [[1,2,3]], "y": [0]}', "array 'x': has the shape (1, 3); expected (?, 4)"),
        ('{"x": [[0,1,2,3]]}', "array 'y': is missing"),
        ('{"x": 5, "y": [0]}', "array 'x': has the shape ()"),
        ('{"x": [[0,1,2,3]], "y": [0], "z": []}', "array 'z': is not expected"),
    ],
)
def test_says_what_is_wrong_and_where(path: Path, text: str, words: str) -> None:
    assert words in refusal(write_json(path, text))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"c": [1] * 9}, "column 'c': has 9 values, but 'label' has 10"),
        ({"c": 5}, "column 'c': is no list"),
        ({"c": [1] * 9 + [None]}, "'c'[9]: is null"),
        ({"c": [1] * 9 + [[1]]}, "'c'[9]: is a list"),
        ({"c": [1] * 9 + [1e39]}, "'c'[9]: is 1e+39; expected a number that fits float32"),
        ({"label": [*Y[:9], 7]}, "'label'[9]: is 7"),
        ({"e": Y}, "column 6 ('e'): is one column too many"),
    ],
)
def test_names_the_column_at_fault(path: Path, changes: dict[str, object], words: str) -> None:
    record = {**COLUMNS, "label": Y, **changes}

    assert words in refusal(write_json(path, record), expected(columns=NAMES))


def test_numbers_too_large_for_whole_ones_are_told(path: Path) -> None:
    whole = expected(signature=signature((1,), dtype="int64"))
    good = {"x": [[2**63 - 1], [-(2**63)]], "y": [0, 1]}

    assert read(write_json(path, good), whole).inputs["input"].tolist() == good["x"]
    assert "'x'[0][0]: is 9.22337204e+18" in refusal(
        write_json(path, {"x": [[2**63], [0]], "y": [0, 1]}), whole
    )


def test_what_would_grow_in_memory_is_refused_unparsed(path: Path) -> None:
    assert "brackets" in refusal(write_json(path, '{"x":[' + "[]," * 1_000_001 + "1]}"))
    assert "colons" in refusal(write_json(path, "{" + '"a":1,' * 100_001 + '"b":1}'))
    text = write_json(path, {"x": X, "y": Y})
    assert "write longer data one object a line" in refusal(
        text, limits=DataLimits(max_json_bytes=50)
    )


def test_a_latin_1_file_is_told(path: Path) -> None:
    path.write_bytes('{"x": [[1]],\n"é": [0]}'.encode("latin1"))

    assert "line 2: has the byte 0xe9" in refusal(path)
