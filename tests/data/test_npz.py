"""NPZ: exact arrays are read, and everything else is refused by the array's name."""

import io
from pathlib import Path

import numpy as np
import pytest

from service.data.dataset import DataLimits
from tests.data.made import (
    FEATURES,
    LABELS,
    expected,
    npy,
    read,
    refusal,
    signature,
    write_members,
    write_npz,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.npz"


def npy_of(header: str, body: bytes = bytes(16), version: int = 1) -> bytes:
    text = header.encode("latin1") + b"\n"
    length = len(text).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + body


def literal(descr: str, shape: str) -> str:
    return f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"


@pytest.mark.parametrize(
    "features",
    [
        FEATURES,
        FEATURES.astype(">f4"),
        FEATURES.astype("f2"),
        FEATURES.astype(">f8"),
        FEATURES.astype("u1"),
        FEATURES.astype("i8"),
        np.asfortranarray(FEATURES),
    ],
)
def test_reads_every_way_to_store_the_same_numbers(path: Path, features: np.ndarray) -> None:
    dataset = read(write_npz(path, x=features, y=LABELS))

    assert np.array_equal(dataset.inputs["input"], FEATURES)
    assert dataset.inputs["input"].dtype == np.float32
    assert dataset.inputs["input"].flags.c_contiguous
    assert np.array_equal(dataset.labels, LABELS)


@pytest.mark.parametrize("labels", [LABELS.astype(bool), LABELS.astype("f4"), LABELS[:, None]])
def test_labels_are_class_indices_however_they_are_stored(path: Path, labels: np.ndarray) -> None:
    dataset = read(write_npz(path, input=FEATURES, label=labels))

    assert dataset.labels.tolist() == LABELS.tolist()
    assert dataset.labels.dtype == np.int64


def test_booleans_are_features_of_0_and_1(path: Path) -> None:
    dataset = read(write_npz(path, x=FEATURES > 3, y=LABELS))

    assert dataset.inputs["input"].tolist() == (FEATURES > 3).astype(float).tolist()


def test_takes_several_inputs_by_their_names(path: Path) -> None:
    two = expected(signature=signature((4,), (2, None), dtype="int32"))
    write_npz(path, input=FEATURES, input_1=np.zeros((10, 2, 3)), y=LABELS)

    dataset = read(path, two)

    assert dataset.inputs["input_1"].shape == (10, 2, 3)
    assert dataset.inputs["input_1"].dtype == np.int32


def test_regression_takes_as_many_labels_as_the_model_has_outputs(path: Path) -> None:
    three = expected(classes=None, signature=signature(outputs=3))
    write_npz(path, x=FEATURES, y=np.ones((10, 3)))

    assert read(path, three).labels.shape == (10, 3)

    write_npz(path, x=FEATURES, y=np.ones((10, 2)))
    assert "array 'y': has the shape (10, 2); expected (?, 3)" in refusal(path, three)


def test_a_packed_archive_is_read_in_pieces(path: Path) -> None:
    features = np.random.default_rng(0).random((200_000, 4))
    np.savez_compressed(path, x=features, y=np.arange(200_000) % 2)

    assert np.array_equal(read(path).inputs["input"], features.astype(np.float32))


def changed(array: np.ndarray, at: tuple[int, ...], value: float) -> np.ndarray:
    copy = np.array(array, np.float64)
    copy[at] = value
    return copy


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x": FEATURES}, "array 'y': is missing"),
        ({"y": LABELS}, "array 'input': is missing"),
        ({"x": FEATURES, "y": LABELS, "z": LABELS}, "array 'z': is not expected"),
        ({"x": FEATURES, "y": LABELS[:9]}, "array 'x': has 10 rows, but 'y' has 9"),
        ({"x": FEATURES[:0], "y": LABELS[:0]}, "array 'y': has 0 rows"),
        ({"x": FEATURES[:1], "y": LABELS[:1]}, "array 'y': has 1 row;"),
        ({"x": np.zeros((10, 5)), "y": LABELS}, "'x': has the shape (10, 5); expected (?, 4)"),
        ({"x": FEATURES[..., None], "y": LABELS}, "array 'x': has the shape (10, 4, 1)"),
        ({"x": np.float32(1), "y": LABELS}, "array 'x': has the shape ()"),
        ({"x": FEATURES, "y": np.eye(2)[LABELS]}, "array 'y': has the shape (10, 2); expected (?,"),
        ({"x": changed(FEATURES, (3, 2), np.nan), "y": LABELS}, "array 'x' at [3, 2]: is NaN"),
        ({"x": changed(FEATURES, (0, 0), np.inf), "y": LABELS}, "array 'x' at [0, 0]: is infinite"),
        (
            {"x": changed(FEATURES, (9, 3), 1e300), "y": LABELS},
            "at [9, 3]: is 1e+300; expected a n",
        ),
        ({"x": FEATURES, "y": changed(LABELS, (4,), np.nan)}, "array 'y' at [4]: is NaN"),
        (
            {"x": FEATURES, "y": changed(LABELS, (4,), 7)},
            "array 'y' at [4]: is 7; expected a whole",
        ),
        ({"x": FEATURES, "y": changed(LABELS, (4,), -1)}, "array 'y' at [4]: is -1"),
        ({"x": FEATURES, "y": changed(LABELS, (4,), 0.5)}, "array 'y' at [4]: is 0.5"),
        ({"x": FEATURES, "y": LABELS * 0}, "array 'y': every row has the label 0"),
        ({"x": FEATURES.astype("U8"), "y": LABELS}, "array 'x': has the dtype '<U8'"),
        ({"x": FEATURES.astype("c8"), "y": LABELS}, "array 'x': has the dtype 'complex64'"),
        ({"x": FEATURES.astype("g"), "y": LABELS}, "array 'x': has the dtype 'float128'"),
        ({"x": FEATURES.astype("M8[s]"), "y": LABELS}, "array 'x': has the dtype 'datetime64[s]'"),
        ({"x": np.zeros(10, "f4,f4"), "y": LABELS}, "array 'x': has a header other than"),
    ],
)
def test_names_the_array_that_is_wrong(
    path: Path, arrays: dict[str, np.ndarray], words: str
) -> None:
    assert words in refusal(write_npz(path, **arrays))


def test_the_place_of_a_fault_is_right_in_fortran_order_too(path: Path) -> None:
    features = np.asfortranarray(changed(FEATURES, (3, 2), np.nan))

    assert "array 'x' at [3, 2]: is NaN" in refusal(write_npz(path, x=features, y=LABELS))


@pytest.mark.parametrize(
    ("member", "words"),
    [
        (b"", "is no array in NumPy's format"),
        (b"\x80\x04K\x01.", "is no array in NumPy's format"),
        (npy(FEATURES)[:100], "has a header of 118 bytes"),
        (npy_of(literal("<f4", "(4,)"), version=3), "has a header of version 3.0"),
        (npy_of(literal("<f4", "(1099511627776, 4)")), "which is 17592186044416 bytes, and has 16"),
        (npy_of(literal("<f4", f"({2**32}, {2**32}, 4)")), "declares (4294967296, 4294967296, 4)"),
        (npy_of(literal("<f4", "(-1, 4)")), "has the shape (-1, 4)"),
        (npy_of(literal("<f4", "(3,)")), "which is 12 bytes, and has 16"),
        (npy_of(literal("|O", "(1, 4)")), "has the dtype 'object'"),
        (npy_of(literal("|V100000000", "(10, 4)")), "has the dtype '|V100000000'"),
        (npy_of(literal("<f3", "(1, 4)")), "has a header that can't be read"),
        (npy_of(literal("<f4", "(1,, 4)")), "has a header that can't be read"),
        (npy_of("{'descr': '<f4'}"), "has a header that can't be read"),
        (npy_of("{'descr': __import__('os').system('true')}"), "has a header other than"),
        (npy_of("(" * 900 + ")" * 100), "has a header other than"),
        (npy_of("(" * 4000 + ")" * 4000), "has a header of 8001 bytes"),
    ],
)
def test_a_header_is_proved_before_its_array_is_read(path: Path, member: bytes, words: str) -> None:
    text = refusal(write_members(path, {"x.npy": member, "y.npy": npy(LABELS)}))

    assert text.startswith("array 'x': ")
    assert words in text


def test_a_header_of_version_2_is_read(path: Path) -> None:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, FEATURES, version=(2, 0))

    assert read(write_members(path, {"x.npy": buffer.getvalue(), "y.npy": npy(LABELS)})).rows == 10


def test_more_than_the_limits_is_refused_by_the_headers(path: Path) -> None:
    write_npz(path, x=FEATURES, y=LABELS)

    assert "has 10 rows or more" in refusal(path, limits=DataLimits(max_rows=9))
    assert "10 rows of 4 features" in refusal(path, limits=DataLimits(max_cells=39))
