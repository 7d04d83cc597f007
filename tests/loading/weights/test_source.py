"""What is read from a weights file, and what a file says against itself."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from service.base.refusals import FileBroken, WeightsMismatch
from service.loading.weights.source import file_array, read_hdf5_source
from tests.loading.weights.files import dense, dense_vars, legacy_file, tree_file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "w.h5"


@pytest.mark.parametrize(
    ("label", "owner", "name"),
    [
        ("dense/kernel:0", "dense", "kernel"),
        ("both/forward_lstm/lstm_cell/bias", "both/forward_lstm/lstm_cell", "bias"),
        ("dense_1_W", "dense_1", "W"),
        ("lstm_1_U_f:0", "lstm_1", "U_f"),
        ("batchnormalization_1_running_mean", "batchnormalization_1", "running_mean"),
        ("mean:0", "", "mean"),
    ],
)
def test_the_name_of_an_array_tells_its_owner(label: str, owner: str, name: str) -> None:
    array = file_array(label, np.ones(1))

    assert (array.owner, array.name) == (owner, name)


def _whole(path: Path, declared: list[str], listed: list[str]) -> Path:
    legacy = legacy_file(path.with_name("legacy.h5"), [dense(name, 1) for name in listed])
    config = {"config": {"layers": [{"config": {"name": name}} for name in declared]}}
    with h5py.File(path, "w") as file, h5py.File(legacy) as weights:
        file.attrs["model_config"] = json.dumps(config)
        weights.copy(weights["/"], file, "model_weights")
        file["optimizer_weights/a"] = np.ones(1)
    return path


def test_a_whole_model_lists_its_layers_as_its_architecture_does(path: Path) -> None:
    source = read_hdf5_source(_whole(path, ["in", "a", "out", "b"], ["a", "b"]), "w.h5")

    assert [layer.name for layer in source.root.inner] == ["a", "b"]
    assert source.ignored == ("optimizer_weights",)
    assert source.unlisted == ()


def test_a_whole_model_with_another_order_was_changed(path: Path) -> None:
    with pytest.raises(WeightsMismatch, match="'b' where its own architecture has 'a'"):
        read_hdf5_source(_whole(path, ["a", "b"], ["b", "a"]), "w.h5")


@pytest.mark.parametrize("text", ["", "[", "{}", '"[]"', '{"config": [1]}'])
def test_an_architecture_that_is_none_is_for_others_to_refuse(path: Path, text: str) -> None:
    _whole(path, ["a", "b"], ["b", "a"])
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = text

    assert len(read_hdf5_source(path, "w.h5").root.inner) == 2


def test_the_state_of_a_random_generator_is_no_weight(path: Path) -> None:
    legacy_file(path, [("drop", {"drop/seed_generator_state": np.ones(2)}), dense("a", 1)])

    assert [layer.name for layer in read_hdf5_source(path, "w.h5").root.inner] == ["a"]


def test_variables_of_the_model_itself(path: Path) -> None:
    legacy_file(path, [dense("a", 1)])
    with h5py.File(path, "r+") as file:
        group = file.create_group("top_level_model_weights")
        group.attrs["weight_names"] = ["scale:0"]
        group["scale:0"] = np.ones(2)

    source = read_hdf5_source(path, "w.h5")

    assert [array.name for array in source.root.arrays] == ["scale"]
    assert source.unlisted == ()


def test_a_tree_keeps_its_groups_and_their_names(path: Path) -> None:
    source = read_hdf5_source(
        tree_file(path, dense_vars("dense", 1), {"layers/dense": "head"}), "w.h5"
    )

    (layers,) = source.root.inner
    (layer,) = layers.inner
    assert (layer.label, layer.slot, layer.name) == ("layers/dense", "dense", "head")
    assert [array.label for array in layer.arrays] == ["layers/dense/vars/0", "layers/dense/vars/1"]


def test_arrays_of_something_else_are_no_weights(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["table/0"] = np.ones(3)

    with pytest.raises(FileBroken, match="holds no weights of Keras"):
        read_hdf5_source(path, "w.h5")
