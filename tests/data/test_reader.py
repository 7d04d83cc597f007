"""Any file gives a data set or a reason, and the same rows give the same arrays in every format."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.base.refusals import DataRefused
from service.base.signature import Signature, TensorSpec
from service.data.dataset import Dataset, Expected
from tests.data.made import (
    FEATURES,
    LABELS,
    NAMES,
    csv_text,
    expected,
    npy,
    read,
    refusal,
    signature,
    table_columns,
    write_csv,
    write_json,
    write_lines,
    write_members,
    write_npz,
    write_parquet,
)

SUFFIXES = (".npz", ".parquet", ".csv", ".json", ".ndjson", "")
STARTS = (b"", b"PK\3\4", b"PK\5\6", b"PAR1", b"{", b"[", b"a,b,c,d,y\n", b"\xef\xbb\xbf", b'{"x":')


def write_all(folder: Path, features: np.ndarray, labels: np.ndarray) -> list[Path]:
    """The same rows in every format and form."""
    columns = dict(zip(NAMES, features.T, strict=True))
    lists = {name: values.tolist() for name, values in columns.items()}
    rows, classes = features.tolist(), labels.tolist()
    return [
        write_npz(folder / "a.npz", x=features, y=labels),
        write_members(
            folder / "b.npz", {"x.npy": npy(features), "y.npy": npy(labels)}, packed=True
        ),
        write_parquet(folder / "c.parquet", {**columns, "y": labels}),
        write_csv(folder / "d.csv", csv_text(features, labels)),
        write_json(folder / "e.json", {"x": rows, "y": classes}),
        write_json(folder / "f.json", {**lists, "y": classes}),
        write_lines(
            folder / "g.ndjson",
            *({"x": row, "y": label} for row, label in zip(rows, classes, strict=True)),
        ),
        write_lines(
            folder / "h.ndjson",
            *(
                {**dict(zip(NAMES, row, strict=True)), "y": label}
                for row, label in zip(rows, classes, strict=True)
            ),
        ),
    ]


@settings(max_examples=50)
@given(
    numbers=st.lists(
        st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=8, max_size=8
    )
)
def test_every_format_gives_the_same_rows(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[float]
) -> None:
    features = np.array(numbers, np.float32).reshape(2, 4)
    labels = np.array([1, 0])
    folder = tmp_path_factory.mktemp("rows")

    for path in write_all(folder, features, labels):
        dataset = read(path)
        assert np.array_equal(dataset.inputs["input"], features), path.name
        assert dataset.inputs["input"].dtype == np.float32
        assert dataset.labels.tolist() == [1, 0]
        assert dataset.labels.dtype == np.int64
        assert dataset.counts == {"0": 1, "1": 1}


def outcome(path: Path) -> Dataset | str:
    try:
        return read(path)
    except DataRefused as error:
        return str(error)


@settings(max_examples=50)
@given(
    start=st.sampled_from(STARTS), data=st.binary(max_size=300), suffix=st.sampled_from(SUFFIXES)
)
def test_any_bytes_give_a_reason(
    tmp_path_factory: pytest.TempPathFactory, start: bytes, data: bytes, suffix: str
) -> None:
    path = tmp_path_factory.mktemp("any") / f"any{suffix}"
    path.write_bytes(start + data)

    found = outcome(path)

    assert isinstance(found, Dataset) or found.isprintable()


@settings(max_examples=50)
@given(edits=st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=3)), min_size=1, max_size=4))
def test_a_damaged_file_gives_a_reason_or_whole_rows(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[float, bytes]]
) -> None:
    for path in write_all(tmp_path_factory.mktemp("edited"), FEATURES, LABELS):
        data = bytearray(path.read_bytes())
        for where, patch in edits:
            at = int(where * len(data))
            data[at : at + len(patch)] = patch
        path.write_bytes(data)

        found = outcome(path)

        if isinstance(found, Dataset):
            assert found.inputs["input"].shape == (found.rows, 4)
            assert np.isfinite(found.inputs["input"]).all()
            assert set(found.labels.tolist()) == {0, 1}
        else:
            assert found.isprintable()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty; expected NPZ, Parquet, CSV or JSON"),
        (npy(FEATURES), "is a single .npy array"),
        (b"\x80\x04\x95", "is a pickle, which is never read"),
        (b"\x89HDF\r\n\x1a\n", "is an HDF5 file"),
        (b"\x1f\x8b\x08", "is compressed by gzip; expected it unpacked"),
        (b"ARROW1\0\0", "is an Arrow or Feather file"),
        (b"PARE", "is an encrypted Parquet file"),
        ("a,y\n".encode("utf-16"), "is text in UTF-16; expected UTF-8"),
        (b"<!doctype html>", "line 1: is an HTML or XML page"),
    ],
)
@pytest.mark.parametrize("name", ["rows.csv", "rows.npz", "rows"])
def test_what_else_it_is_is_told(tmp_path: Path, data: bytes, words: str, name: str) -> None:
    (tmp_path / name).write_bytes(data)

    assert words in refusal(tmp_path / name)


@pytest.mark.parametrize("name", ["rows.npz", "rows.parquet"])
def test_a_binary_name_promises_its_beginning(tmp_path: Path, name: str) -> None:
    path = write_csv(tmp_path / name, csv_text())

    assert f"is no {name[5:].upper()} file" in refusal(path)


def test_content_counts_more_than_the_name(tmp_path: Path) -> None:
    assert read(
        write_npz(tmp_path / "rows.npz", x=FEATURES, y=LABELS).rename(tmp_path / "rows.csv")
    )
    assert read(write_parquet(tmp_path / "a.json", table_columns())).rows == 10
    assert read(write_csv(tmp_path / "rows.data", csv_text())).rows == 10


def test_only_a_regular_file_is_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "folder.csv").mkdir()

    assert refusal(tmp_path / "pipe.csv") == "is no regular file"
    assert refusal(tmp_path / "folder.csv") == "is no regular file"
    assert refusal(tmp_path / "none.csv") == "can't be opened (FileNotFoundError)"


def test_a_name_can_not_disturb_a_message(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a\n\x1b[31mb.csv", "")

    with pytest.raises(DataRefused) as caught:
        read(path)

    assert str(caught.value).startswith(r"'a\n\x1b[31mb.csv': is empty")


def test_a_model_that_takes_texts_is_not_fed(tmp_path: Path) -> None:
    texts = Signature((TensorSpec("words", "string", (None,)),), signature().outputs)
    path = write_csv(tmp_path / "rows.csv", csv_text())

    assert "the model's input 'words' takes texts" in refusal(path, expected(signature=texts))


def test_indices_of_a_vocabulary_are_whole_and_in_range(tmp_path: Path) -> None:
    spec = TensorSpec("input", "float32", (None, None), vocabulary=10)
    tokens = expected(signature=Signature((spec,), signature().outputs))

    assert read(write_csv(tmp_path / "a.csv", "a,b,y\n1,9,0\n0,3,1\n"), tokens).inputs[
        "input"
    ].tolist() == [[1, 9], [0, 3]]
    assert "column 2 ('b'): is 10; expected a whole number from 0 to 9" in refusal(
        write_csv(tmp_path / "b.csv", "a,b,y\n1,10,0\n0,3,1\n"), tokens
    )


def test_columns_fill_several_inputs_in_order(tmp_path: Path) -> None:
    two = expected(signature=signature((2, 1), (2,)))

    dataset = read(write_csv(tmp_path / "rows.csv", csv_text()), two)

    assert dataset.inputs["input"].shape == (10, 2, 1)
    assert np.array_equal(dataset.inputs["input_1"], FEATURES[:, 2:])


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (((5,),), "line 1: has 4 feature columns; expected 5, as the model has inputs"),
        (((None, 3),), "has 4 feature columns; expected a multiple of 3"),
        (((None, None),), "a table can't tell how long the model's free axes are"),
        (((None,), (2,)), "a table can't tell how long the model's free axes are"),
    ],
)
def test_columns_must_fill_the_inputs(
    tmp_path: Path, shapes: tuple[tuple[int | None, ...], ...], words: str
) -> None:
    path = write_csv(tmp_path / "rows.csv", csv_text())

    assert words in refusal(path, expected(signature=signature(*shapes)))


def test_a_table_has_one_label_a_row(tmp_path: Path) -> None:
    three = expected(classes=None, signature=signature(outputs=3))

    assert "a table has one label a row, but the model's output is (3,)" in refusal(
        write_csv(tmp_path / "rows.csv", csv_text()), three
    )


def test_what_is_expected_survives_its_record() -> None:
    wanted = expected(columns=NAMES, label_names=("cat", "dog"), min_rows=5)

    assert Expected.from_json(wanted.as_json()) == wanted


def test_every_class_has_one_name() -> None:
    with pytest.raises(ValueError, match="1 label names for 2 classes"):
        expected(label_names=("cat",))
