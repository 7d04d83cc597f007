"""What files tell of how their models were compiled, read without Keras."""

import io
import json
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from service.loading.inspected import Inspection
from service.loading.saved_training import SavedTraining, read_saved_training

TRAINING = {"loss": "mse", "optimizer_config": {"class_name": "SGD", "config": {"lr": 0.1}}}


def _read(path: Path, form: str = "h5", architecture: Path | None = None) -> SavedTraining:
    first = architecture or path
    config = json.loads(first.read_text()) if architecture else {}
    found = Inspection(form, "", "", config, first.name, path.name)  # type: ignore[arg-type]
    return read_saved_training(found, {first.name: first, path.name: path})


def _write(path: Path, names: list[str], training: str = json.dumps(TRAINING)) -> Path:
    with h5py.File(path, "w") as file:
        file.attrs["training_config"] = training
        group = file.create_group("optimizer_weights")
        group.attrs["weight_names"] = [name.encode() for name in names]
        for index, name in enumerate(names):
            group[name] = np.full(2, index)
    return path


def test_reads_a_whole_file_in_its_order(tmp_path: Path) -> None:
    found = _read(_write(tmp_path / "model.h5", ["b/m:0", "a/m:0"]))

    assert found.config == TRAINING
    assert [(array.name, array.value.tolist()) for array in found.arrays] == [
        ("b/m:0", [0, 0]), ("a/m:0", [1, 1]),
    ]  # fmt: skip
    assert not found.fault


def test_reads_an_archive_by_numbers(tmp_path: Path) -> None:
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        for number in range(12):
            file[f"optimizer/vars/{number}"] = number
        file["layers/dense/vars/0"] = np.zeros(2)
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", json.dumps({"compile_config": TRAINING}))
        archive.writestr("model.weights.h5", weights.getvalue())

    found = _read(path, "keras")

    assert found.config == TRAINING
    assert [int(array.value) for array in found.arrays] == list(range(12))


def test_an_architecture_may_tell_it_beside_weights_that_do_not(tmp_path: Path) -> None:
    path, architecture = tmp_path / "model.weights.h5", tmp_path / "model.json"
    with h5py.File(path, "w") as file:
        file["layers/dense/vars/0"] = np.zeros(2)
    architecture.write_text(json.dumps({"class_name": "Sequential", **TRAINING}))

    assert _read(path, "json+weights", architecture).config["loss"] == "mse"


@pytest.mark.parametrize(
    ("training", "told"),
    [("{", "its training configuration can't be read"), ('{"loss": 1, "loss": 2}', "loss")],
    ids=["broken", "twice"],
)
def test_what_can_not_be_read_counts_as_not_there(training: str, told: str, tmp_path: Path) -> None:
    found = _read(_write(tmp_path / "model.h5", [], training))

    assert (found.config, found.arrays) == ({}, ())
    assert told in found.fault


def test_a_missing_array_leaves_the_configuration(tmp_path: Path) -> None:
    path = _write(tmp_path / "model.h5", ["a/m:0"])
    with h5py.File(path, "a") as file:
        del file["optimizer_weights/a"]

    found = _read(path)

    assert found.config == TRAINING
    assert found.fault == "the optimizer's array a/m:0 is missing"


def test_a_checkpoint_tells_nothing(tmp_path: Path) -> None:
    path = tmp_path / "cp.ckpt.index"
    path.write_bytes(b"no HDF5")
    architecture = tmp_path / "model.json"
    architecture.write_text('{"class_name": "Sequential"}')

    assert _read(path, "json+weights", architecture) == SavedTraining()
