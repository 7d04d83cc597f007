"""HDF5 files: told apart by contents, and never followed to somewhere else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from service.base.refusals import FileBroken
from service.loading.files.hdf5 import (
    count_elements,
    kind_of_hdf5,
    legacy_layers,
    list_attribute,
    open_hdf5,
    text_attribute,
    weights_group,
)
from tests.loading.handmade import write_modern_weights, write_weights, write_whole


def _write(path: Path, fill: Callable[[h5py.File], object]) -> Path:
    with h5py.File(path, "w") as file:
        fill(file)
    return path


def _damage(path: Path) -> str:
    with pytest.raises(FileBroken) as caught, open_hdf5(path) as file:
        legacy_layers(weights_group(file, path.name))
    return str(caught.value)


@pytest.mark.parametrize(
    ("write", "kind"),
    [
        (write_whole, "whole"),
        (write_weights, "legacy_weights"),
        (write_modern_weights, "keras3_weights"),
        (lambda path: _write(path, lambda file: file.create_group("data")), "other"),
    ],
)
def test_files_are_told_apart_by_contents(
    tmp_path: Path, write: Callable[[Path], Path], kind: str
) -> None:
    with open_hdf5(write(tmp_path / "any-name")) as file:
        assert kind_of_hdf5(file) == kind


def test_reads_the_arrays_of_a_legacy_file_in_its_order(tmp_path: Path) -> None:
    ones = np.ones(2, "float32")
    layers = {"z": {"z/b:0": ones, "z/a:0": ones * 2}, "empty": {}, "a": {"a/k:0": ones * 3}}

    with open_hdf5(write_weights(tmp_path / "w.h5", layers)) as file:
        read = legacy_layers(file)
        elements = count_elements(file)

    assert [(item.layer, item.names) for item in read] == [
        ("z", ("z/b:0", "z/a:0")),
        ("a", ("a/k:0",)),
    ]
    assert [array.tolist() for item in read for array in item.arrays] == [[1, 1], [2, 2], [3, 3]]
    assert elements == 6


def test_reads_a_list_of_names_that_keras_had_to_split(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file.attrs["layer_names0"] = [b"a", b"b"]
        file.attrs["layer_names1"] = np.array(["c"], dtype=object)  # h5py of old read both ways

    with open_hdf5(_write(tmp_path / "w.h5", fill)) as file:
        assert kind_of_hdf5(file) == "legacy_weights"
        assert list_attribute(file, "layer_names") == ["a", "b", "c"]


@pytest.mark.parametrize("value", ["2.4.0", b"2.4.0", np.bytes_(b"2.4.0")])
def test_reads_text_however_it_was_written(tmp_path: Path, value: object) -> None:
    path = _write(tmp_path / "w.h5", lambda file: file.attrs.__setitem__("keras_version", value))

    with open_hdf5(path) as file:
        assert text_attribute(file, "keras_version") == "2.4.0"
        assert text_attribute(file, "backend") == ""


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9, 0.999])
def test_a_file_that_is_still_being_copied_is_broken(tmp_path: Path, share: float) -> None:
    whole = write_whole(tmp_path / "m.h5").read_bytes()
    (tmp_path / "m.h5").write_bytes(whole[: int(len(whole) * share)])

    assert "m.h5: the HDF5 file is damaged or incomplete" in _damage(tmp_path / "m.h5")


@pytest.mark.parametrize("mark", [b"HEAP", b"TREE", b"SNOD"])
def test_a_file_damaged_within_is_broken_too(tmp_path: Path, mark: bytes) -> None:
    path = write_weights(tmp_path / "w.h5")
    path.write_bytes(path.read_bytes().replace(mark, b"XXXX"))

    assert "damaged" in _damage(path)


@pytest.mark.parametrize("missing", ["dense", "dense/dense/bias:0"])
def test_an_array_that_is_listed_must_be_there(tmp_path: Path, missing: str) -> None:
    path = write_weights(tmp_path / "w.h5")
    with h5py.File(path, "a") as file:
        del file[missing]

    message = _damage(path)

    assert "missing" in message
    assert message.startswith("w.h5: ")  # the name, not the path


def test_a_whole_model_without_its_weights_is_broken(tmp_path: Path) -> None:
    path = write_whole(tmp_path / "m.h5")
    with h5py.File(path, "a") as file:
        del file["model_weights"]
        file["model_weights"] = [1, 2]

    assert "model_weights is missing" in _damage(path)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ([b"../../dense"], "the path '../../dense'"),
        ([b"/dense"], "the path '/dense'"),
        ([b"dense", b"dense"], "layer_names lists 'dense' 2 times"),
        ([b"\xff\xfe"], "a name that is no UTF-8"),
        ([1, 2], "layer_names is no list of names"),
        ("dense", "layer_names is no list of names"),
    ],
)
def test_a_list_of_layers_must_be_one(tmp_path: Path, names: Any, told: str) -> None:
    path = write_weights(tmp_path / "w.h5")
    with h5py.File(path, "a") as file:
        file.attrs["layer_names"] = names

    assert told in _damage(path)


def test_layers_may_have_slashes_in_their_names(tmp_path: Path) -> None:
    layers = {"block1/conv": {"block1/conv/kernel:0": np.ones(2, "float32")}}

    with open_hdf5(write_weights(tmp_path / "w.h5", layers)) as file:
        assert [layer.layer for layer in legacy_layers(file)] == ["block1/conv"]


def test_text_that_is_no_utf_8_becomes_text_that_is(tmp_path: Path) -> None:
    text = h5py.string_dtype()
    path = _write(
        tmp_path / "w.h5", lambda file: file.attrs.create("backend", b"\xfftorch", dtype=text)
    )

    with open_hdf5(path) as file:
        assert text_attribute(file, "backend") == "?torch"


@pytest.mark.parametrize(
    "value",
    [
        np.array([np.ones(2), np.ones(3)], dtype=h5py.vlen_dtype(np.dtype("f4"))),
        np.zeros(1, np.dtype([("a", "f4")])),
        np.zeros(2, "V4"),
    ],
)
def test_an_attribute_that_is_no_text_is_not_read(tmp_path: Path, value: Any) -> None:
    path = _write(tmp_path / "w.h5", lambda file: file.attrs.__setitem__("backend", value))

    with pytest.raises(FileBroken, match="'backend' is neither a text"), open_hdf5(path) as file:
        text_attribute(file, "backend")
