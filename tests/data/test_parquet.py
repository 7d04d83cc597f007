"""Parquet: the footer is judged before the columns are read, and faults have a row and a column."""

from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from service.base.refusals import DataRefused
from service.data.dataset import DataLimits
from tests.data.made import (
    FEATURES,
    LABELS,
    NAMES,
    expected,
    read,
    refusal,
    signature,
    table_columns,
    write_parquet,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.parquet"


@pytest.mark.parametrize("kind", ["float16", "float32", "float64", "int8", "uint64"])
@pytest.mark.parametrize("packing", ["none", "snappy", "zstd"])
def test_reads_numbers_of_every_type(path: Path, kind: str, packing: str) -> None:
    columns = table_columns() | {name: FEATURES[:, n].astype(kind) for n, name in enumerate(NAMES)}

    dataset = read(write_parquet(path, columns, compression=packing))

    assert np.array_equal(dataset.inputs["input"], FEATURES)
    assert dataset.inputs["input"].dtype == np.float32
    assert dataset.labels.tolist() == LABELS.tolist()


def test_reads_booleans_and_columns_in_any_order(path: Path) -> None:
    columns = dict(reversed(table_columns(LABELS.astype(bool)).items()))
    columns["b"] = FEATURES[:, 1] > 5

    dataset = read(write_parquet(path, columns), expected(columns=NAMES))

    assert dataset.inputs["input"][:, 0].tolist() == FEATURES[:, 0].tolist()
    assert dataset.inputs["input"][:, 1].tolist() == (FEATURES[:, 1] > 5).tolist()
    assert dataset.labels.tolist() == LABELS.tolist()


@pytest.mark.parametrize("is_category", [False, True])
def test_names_of_classes_stand_for_their_index(path: Path, is_category: bool) -> None:
    labels = pyarrow.array(["cat" if label else "dog" for label in LABELS])
    labels = labels.dictionary_encode() if is_category else labels

    dataset = read(write_parquet(path, table_columns(labels)), expected(label_names=("dog", "cat")))

    assert dataset.labels.tolist() == LABELS.tolist()
    assert dataset.counts == {"dog": 5, "cat": 5}


def test_reads_many_row_groups(path: Path) -> None:
    rows = np.arange(100_000)
    write_parquet(path, {"a": rows, "y": rows % 2}, row_group_size=999)

    dataset = read(path, expected(signature=signature((1,), dtype="int64")))

    assert np.array_equal(dataset.inputs["input"][:, 0], rows)


def column(name: str, at: int, value: object) -> dict[str, object]:
    columns = {key: list(np.asarray(values).tolist()) for key, values in table_columns().items()}
    columns[name][at] = value
    return dict(columns)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (column("c", 6, float("nan")), "row 7, column 3 ('c'): is NaN"),
        (column("c", 6, float("inf")), "row 7, column 3 ('c'): is infinite"),
        (column("c", 6, 1e300), "row 7, column 3 ('c'): is 1e+300; expected a number that fits"),
        (column("c", 6, None), "row 7, column 3 ('c'): is empty; expected a value"),
        (column("label", 6, 7), "row 7, column 5 ('label'): is 7"),
        (column("label", 6, 0.5), "row 7, column 5 ('label'): is 0.5"),
        (column("label", 6, None), "row 7, column 5 ('label'): is empty"),
        (table_columns(LABELS * 0), "every row has the label 0"),
        (table_columns([*"010101010", "cat"]), "row 10, column 5 ('label'): is 'cat'"),
        (table_columns() | {"a": [*"0123456789"]}, "column 1 ('a'): has the type 'string'"),
        (
            table_columns() | {"a": [[1]] * 10},
            "column 1 ('a'): has the type 'list<element: int64>'",
        ),
        (table_columns([b"0"] * 10), "column 5 ('label'): has the type 'binary'"),
        (table_columns() | {"e": LABELS}, "column 6 ('e'): is one column too many"),
        (dict.fromkeys((*NAMES, "y"), FEATURES[:1, 0]), "has 1 row; expected at least 2"),
        (dict.fromkeys((*NAMES, "y"), FEATURES[:0, 0]), "has 0 rows; expected at least 2"),
        (dict.fromkeys("abcd", FEATURES[:, 0]), "the label column is missing"),
    ],
)
def test_names_row_and_column_of_a_fault(
    path: Path, columns: dict[str, object], words: str
) -> None:
    assert words in refusal(write_parquet(path, columns), expected(columns=NAMES))


def test_a_column_of_gaps_and_names_with_points_are_no_trouble(path: Path) -> None:
    columns = {"a.b": [1.0, 2.0], "a": [3.0, 4.0], "y": [0, 1]}
    two = expected(signature=signature((2,)))

    assert read(write_parquet(path, columns), two).inputs["input"].tolist() == [[1, 3], [2, 4]]
    gaps = {**columns, "a": pyarrow.array([None, None], pyarrow.float64())}
    assert "row 1, column 2 ('a'): is empty; expected a value. In all 2 faults" in refusal(
        write_parquet(path, gaps), two
    )


def test_a_gap_among_times_of_nanoseconds_is_told_by_its_row(path: Path) -> None:
    times = pyarrow.array([None, *range(1, 10)], pyarrow.timestamp("ns"))

    text = refusal(write_parquet(path, table_columns() | {"t": times}), expected(time_column="t"))

    assert text == "row 1, column 6 ('t'): is empty; expected a value"


@pytest.mark.parametrize("kind", [pyarrow.date32(), pyarrow.time32("s"), pyarrow.decimal128(20)])
def test_dates_and_decimals_are_no_numbers(path: Path, kind: pyarrow.DataType) -> None:
    columns = table_columns() | {"a": pyarrow.array([1] * 10, pyarrow.int32()).cast(kind)}

    assert "column 1 ('a'): has the type" in refusal(write_parquet(path, columns))


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (DataLimits(max_rows=9), "has 10 rows or more"),
        (DataLimits(max_cells=39), "has 10 rows of 5 features or more"),
        (DataLimits(max_columns=4), "the footer: has 5 columns; expected at most 4"),
    ],
)
def test_limits_hold_by_the_footer(path: Path, limits: DataLimits, words: str) -> None:
    assert words in refusal(write_parquet(path, table_columns()), limits=limits)


def test_a_few_bytes_for_millions_of_rows_are_refused(path: Path) -> None:
    zeros = np.zeros(4_000_000, np.int8)
    write_parquet(path, dict.fromkeys((*NAMES, "y"), zeros), compression="zstd")

    assert "would grow to 80000000; expected at most 500 times its size" in refusal(path)


@pytest.mark.parametrize("percent", [1, 50, 99])
def test_a_part_of_a_file_is_damaged(path: Path, percent: int) -> None:
    data = write_parquet(path, table_columns()).read_bytes()
    path.write_bytes(data[: len(data) * percent // 100])

    assert "the footer: is missing" in refusal(path)


def test_a_footer_lies_inside_its_file(path: Path) -> None:
    path.write_bytes(b"PAR1" + bytes(32) + (0xFFFFFFF0).to_bytes(4, "little") + b"PAR1")

    assert "the footer: would be 4294967280 bytes long; expected at most 32" in refusal(path)


def test_a_footer_of_noise_is_damaged(path: Path) -> None:
    noise = np.random.default_rng(0).bytes(2000)
    path.write_bytes(b"PAR1" + noise + (1000).to_bytes(4, "little") + b"PAR1")

    assert refusal(path).startswith("is damaged or cut off")


def test_a_checksum_that_the_writer_left_is_checked(path: Path) -> None:
    columns = {"a": np.random.default_rng(0).random(1000), "y": np.arange(1000) % 2}
    write_parquet(path, columns, write_page_checksum=True, use_dictionary=False, compression="none")
    data = bytearray(path.read_bytes())
    data[3000] ^= 1
    path.write_bytes(data)

    assert "is damaged" in refusal(path, expected(signature=signature((1,))))


def test_changed_bytes_are_refused_or_give_whole_rows(path: Path) -> None:
    good = write_parquet(path, table_columns(), store_schema=False).read_bytes()
    random = np.random.default_rng(0)
    for _ in range(200):
        data = bytearray(good)
        data[random.integers(4, len(data) - 8)] = random.integers(256)
        path.write_bytes(data)
        try:
            dataset = read(path)
        except DataRefused:
            continue
        assert dataset.inputs["input"].shape == (10, 4)
        assert np.isfinite(dataset.inputs["input"]).all()
        assert set(dataset.labels.tolist()) == {0, 1}
