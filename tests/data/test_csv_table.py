"""CSV: what is read, and the line and column of what isn't."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.base.refusals import DataRefused
from service.data.dataset import DataLimits
from tests.data.made import (
    FEATURES,
    HEADER,
    LABELS,
    NAMES,
    csv_text,
    expected,
    read,
    refusal,
    signature,
    write_csv,
)

GOOD = csv_text()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.csv"


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD + "\n\r\n\n",
        GOOD.removesuffix("\n"),
        GOOD.replace(",1.0,", ',"1.0",').replace("label", '"label"'),
        GOOD.replace(",1.0,", ", +1e0\t,"),
        GOOD.replace("label", "y").replace("a,b", " a , b "),
        GOOD.replace(",0\n", ",0.0\n").replace(",1\n", ",1e0\n"),
    ],
    ids=[
        "plain",
        "bom",
        "crlf",
        "empty end",
        "no end",
        "quoted",
        "spaced",
        "header",
        "float label",
    ],
)
def test_reads_the_ways_to_write_the_same_rows(path: Path, text: str) -> None:
    dataset = read(write_csv(path, text))

    assert np.array_equal(dataset.inputs["input"], FEATURES)
    assert dataset.inputs["input"].dtype == np.float32
    assert np.array_equal(dataset.labels, LABELS)
    assert (dataset.rows, dataset.counts) == (10, {"0": 5, "1": 5})


def test_finds_columns_by_the_names_that_the_operator_gave(path: Path) -> None:
    write_csv(path, "label,d,c,b,a\n0,4,3,2,1\n1,8,7,6,5\n")

    dataset = read(path, expected(columns=NAMES))

    assert dataset.inputs["input"].tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]


def test_names_of_classes_stand_for_their_index(path: Path) -> None:
    write_csv(path, HEADER + "1,2,3,4,dog\n1,2,3,4,cat\n1,2,3,4,1\n")

    dataset = read(path, expected(label_names=("cat", "dog")))

    assert dataset.labels.tolist() == [1, 0, 1]
    assert dataset.counts == {"cat": 1, "dog": 2}


def test_a_class_that_is_called_by_a_number_is_no_index(path: Path) -> None:
    write_csv(path, HEADER + "1,2,3,4,1\n1,2,3,4,7\n")

    assert read(path, expected(label_names=("7", "1"))).labels.tolist() == [1, 0]

    write_csv(path, HEADER + "1,2,3,4,0\n")
    assert "is '0'; expected one of '7', '1'" in refusal(path, expected(label_names=("7", "1")))


def test_regression_takes_any_number_for_a_label(path: Path) -> None:
    write_csv(path, HEADER + "1,2,3,4,-0.5\n1,2,3,4,1e3\n")

    dataset = read(path, expected(classes=None, signature=signature(outputs=1)))

    assert dataset.labels.tolist() == [-0.5, 1000]
    assert dataset.labels.dtype == np.float32
    assert dataset.counts == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("\n\n", "line 1: is empty"),
        (HEADER, "has 0 rows; expected at least 2"),
        (HEADER + "1,2,3,4,0\n", "has 1 row; expected at least 2"),
        (GOOD.partition("\n")[2], "line 1: has numbers in place of names"),
        (GOOD.replace("d,label", "e,label"), "line 1: the column 'd' is missing; there is 'e'"),
        (GOOD.replace("label", "outcome"), "line 1: the label column is missing among 'a', 'b'"),
        (GOOD.replace("a,b,", "a,a,"), "line 1, column 2 ('a'): has the same name as column 1"),
        (GOOD.replace("a,b,", "a,,"), "line 1, column 2: has no name"),
        (GOOD.replace("a,b,", "y,b,"), "line 1, column 5 ('label'): is a second label"),
        (GOOD.replace("\n", ",9\n").replace("label,9", "label,e"), "column 6 ('e'): is one column"),
        (GOOD.replace(",", ";"), "line 1: columns are separated by semicolons;"),
        (GOOD.replace(",", ";").replace(".", ","), "semicolons and numbers have decimal commas"),
        (GOOD.replace(",", "\t"), "line 1: columns are separated by tabs"),
        ("<html><body>502</body></html>", "line 1: is an HTML or XML page"),
    ],
)
def test_says_what_is_wrong_with_the_table(path: Path, text: str, words: str) -> None:
    assert words in refusal(write_csv(path, text), expected(columns=NAMES))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("1,2,3", "line 12: has 3 columns; expected 5"),
        ("1,2,3,4,0,9", "line 12: has 6 columns; expected 5"),
        ("\n1,2,3,4,0", "line 12: is empty"),
        ("1,2,3,4,", "line 12, column 5 ('label'): is empty"),
        ("1,2,3,4,nan", "line 12, column 5 ('label'): is 'nan'"),
        ("1,2,3,4,cat", "line 12, column 5 ('label'): is 'cat'"),
        ("1,2,3,4,0.5", "line 12, column 5 ('label'): is 0.5; expected a whole number from 0 to 1"),
        ("1,2,3,4,7", "line 12, column 5 ('label'): is 7"),
        ("1,2,3,4,-1", "line 12, column 5 ('label'): is -1"),
        ("1,,3,4,0", "line 12, column 2 ('b'): is empty; expected a number"),
        ("1,nan,3,4,0", "line 12, column 2 ('b'): is 'nan'"),
        ("1,-inf,3,4,0", "line 12, column 2 ('b'): "),
        ("1,1e400,3,4,0", "line 12, column 2 ('b'): is infinite or too large"),
        ("1,1e39,3,4,0", "line 12, column 2 ('b'): is 1e+39; expected a number that fits float32"),
        (f"1,{'9' * 1000},3,4,0", "line 12, column 2 ('b'): is infinite or too large"),
        (f"1,{'9' * 5000},3,4,0", "line 12, column 2: a field of 5000 bytes"),
        ("1,0x10,3,4,0", "line 12, column 2 ('b'): is '0x10'"),
        ("1,1_000,3,4,0", "line 12, column 2 ('b'): is '1_000'"),
        ('1,"1,5",3,4,0', "line 12, column 2 ('b'): is '1,5', with a decimal comma"),
        ("1,٣,3,4,0", "line 12, column 2 ('b'): is '٣'"),
        ("1,\x1b[31m,3,4,0", r"line 12, column 2 ('b'): is '\x1b[31m'"),
        ('1,"2,3,4,0', "line 12: has a quote that never closes"),
        ('1,2"2"2,3,4,0', "line 12: has a quote inside a field"),
        ('1,"2"2,3,4,0', "line 12: has a quote inside a field"),
        ("1,2\x00,3,4,0", "line 12: has a NUL byte"),
        ("1,2\r,3,4,0", "line 12: has a carriage return without a line feed"),
        ("1," + "2" * 2_000_000 + ",3,4,0", "line 12: is longer than 1048576 bytes"),
    ],
)
def test_names_line_and_column_of_a_fault(path: Path, row: str, words: str) -> None:
    assert words in refusal(write_csv(path, GOOD + row + "\n"))


@pytest.mark.parametrize("cell", ['"=HYPERLINK(""x"")"', "@SUM(1)", "-1+1", "+cmd|calc", " =1+1"])
def test_a_formula_is_never_repeated(path: Path, cell: str) -> None:
    text = refusal(write_csv(path, GOOD + f"1,{cell},3,4,0\n"))

    assert "line 12, column 2 ('b'): is a text that begins with" in text
    assert cell.strip('" ')[1:4] not in text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (GOOD.replace("a,b", "é,b").encode("latin1"), "line 1: has the byte 0xe9"),
        (GOOD.encode() + b"1,2,3,4,\xff\n", "line 12: has the byte 0xff"),
        (GOOD.encode("utf-16"), "is text in UTF-16"),
        (GOOD.encode("utf-16-be"), "line 1: has a NUL byte"),
        (bytes(range(1, 256)) * 20, ": has the byte 0x"),
    ],
)
def test_other_encodings_are_told(path: Path, data: bytes, words: str) -> None:
    assert words in refusal(write_csv(path, data))


def test_only_one_class_teaches_nothing(path: Path) -> None:
    write_csv(path, HEADER + "1,2,3,4,1\n5,6,7,8,1\n")

    assert "every row has the label 1" in refusal(path)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (DataLimits(max_bytes=50), "has 224 bytes; expected at most 50"),
        (DataLimits(max_rows=9), "has 10 rows or more; expected at most 9"),
        (DataLimits(max_cells=39), "has 10 rows of 4 features or more; expected at most 39"),
        (DataLimits(max_columns=4), "line 1: has 5 columns or more; expected at most 4"),
        (DataLimits(max_line_bytes=16), "line 2: is longer than 16 bytes"),
        (DataLimits(max_field_bytes=4), "line 1, column 5: a field of 5 bytes"),
    ],
)
def test_limits_hold(path: Path, limits: DataLimits, words: str) -> None:
    assert words in refusal(write_csv(path, GOOD), limits=limits)


def test_lines_are_counted_over_many_blocks(path: Path) -> None:
    rows = 400_000
    text = "a,y\n" + "0.5,0\n0.5,1\n" * (rows // 2)
    one = expected(signature=signature((1,)))

    assert read(write_csv(path, text), one).rows == rows
    assert f"line {rows + 2}, column 1 ('a')" in refusal(write_csv(path, text + "x,0\n"), one)
    assert f"line {rows + 2}: is empty" in refusal(
        write_csv(path, text + "\n" * 3_000_000 + "1,0"), one
    )


@settings(max_examples=50)
@given(cells=st.lists(st.text("0123456789.+-eE \tinfa_x'", max_size=8), min_size=2, max_size=6))
def test_arrow_and_the_exact_way_read_the_same(
    tmp_path_factory: pytest.TempPathFactory, cells: list[str]
) -> None:
    """One cell that only the exact way can read sends all of its block there."""
    one = expected(signature=signature((1,)), classes=None)
    path = tmp_path_factory.mktemp("csv") / "rows.csv"
    outcomes = []
    for rows in (cells, [*cells, '"1\t"', "1e999"]):
        write_csv(path, "a,y\n" + "".join(f"{cell},1\n" for cell in rows))
        try:
            outcomes.append(read(path, one).inputs["input"].tolist())
        except DataRefused as error:
            outcomes.append(str(error))
    fast, exact = outcomes
    if isinstance(fast, list):
        assert f"line {len(cells) + 3}, column 1 ('a'): is infinite" in exact
    else:
        assert fast == exact
