"""What a version is, told from its files without TensorFlow."""

import json
import sys
from pathlib import Path
from typing import Any

import h5py
import orjson
import pytest

from service.base.refusals import ClassesMissing, FileBroken, FileUnsafe
from service.loading.inspected import Inspection, LayerSummary
from service.loading.inspection import inspect_files
from tests.loading.handmade import (
    layer,
    sequential,
    tiny,
    write_archive,
    write_modern_weights,
    write_weights,
    write_whole,
)


def _inspect(*paths: Path) -> Inspection:
    return inspect_files({path.name: path for path in paths})


def _refusal(*paths: Path) -> str:
    with pytest.raises(FileBroken) as caught:
        _inspect(*paths)
    return str(caught.value)


def _architecture(folder: Path, config: Any = None, **more: str) -> Path:
    path = folder / "net.json"
    path.write_text(json.dumps({**(tiny() if config is None else config), **more}))
    return path


def test_a_whole_h5(tmp_path: Path) -> None:
    found = _inspect(write_whole(tmp_path / "m.h5"))

    assert (found.format, found.keras_version, found.backend) == ("h5", "2.4.0", "tensorflow")
    assert found.architecture_file == found.weights_file == "m.h5"
    assert found.parameters == 15
    assert found.layers == (
        LayerSummary("x", "InputLayer", [None, 4], 0),
        LayerSummary("dense", "Dense", [None, 3], 15),
    )
    assert (found.inputs, found.outputs) == ({"x": [None, 4]}, {"dense": [None, 3]})
    assert (found.era, found.is_legacy) == ("tf.keras 2", True)
    found.refuse_if_unsafe()


def test_an_architecture_with_legacy_weights(tmp_path: Path) -> None:
    architecture = _architecture(tmp_path, keras_version="2.4.0", backend="tensorflow")

    found = _inspect(architecture, write_weights(tmp_path / "w.h5"))

    assert (found.format, found.keras_version) == ("json+weights", "2.4.0")
    assert (found.architecture_file, found.weights_file) == ("net.json", "w.h5")
    assert found.parameters == 15


def test_an_architecture_with_modern_weights(tmp_path: Path) -> None:
    found = _inspect(_architecture(tmp_path), write_modern_weights(tmp_path / "w.weights.h5"))

    assert (found.format, found.keras_version, found.parameters) == ("json+weights", "", 15)


def test_an_architecture_without_a_version_takes_that_of_its_weights(tmp_path: Path) -> None:
    weights = write_weights(tmp_path / "w.h5", version="1.2.2")

    assert _inspect(_architecture(tmp_path), weights).keras_version == "1.2.2"


def test_an_architecture_may_take_the_weights_of_a_whole_model(tmp_path: Path) -> None:
    found = _inspect(_architecture(tmp_path), write_whole(tmp_path / "m.h5"))

    assert (found.format, found.parameters) == ("json+weights", 15)


def test_a_keras_archive(tmp_path: Path) -> None:
    found = _inspect(write_archive(tmp_path / "m.keras"))

    assert (found.format, found.keras_version, found.parameters) == ("keras", "3.10.0", 15)
    found.refuse_if_unsafe()


def test_names_do_not_matter(tmp_path: Path) -> None:
    found = _inspect(write_archive(tmp_path / "m.h5"))

    assert found.format == "keras"


def test_weights_alone_ask_for_their_architecture(tmp_path: Path) -> None:
    for write in (write_weights, write_modern_weights):
        assert "put the architecture (model.to_json()) beside it" in _refusal(
            write(tmp_path / "w.h5")
        )


def test_an_architecture_alone_asks_for_its_weights(tmp_path: Path) -> None:
    assert "put the weights file beside it" in _refusal(_architecture(tmp_path))


def test_two_models_in_a_version_are_one_too_many(tmp_path: Path) -> None:
    first, second = write_whole(tmp_path / "a.h5"), write_whole(tmp_path / "b.h5")
    architecture = _architecture(tmp_path)
    archives = [write_archive(tmp_path / name) for name in ("a.keras", "b.keras")]

    assert "a.h5, b.h5: several model files" in _refusal(second, first)
    assert "several weights files" in _refusal(architecture, first, second)
    assert "a.keras, b.keras: several .keras archives" in _refusal(*archives)


def test_files_that_are_no_models_are_named(tmp_path: Path) -> None:
    pointer = tmp_path / "m.h5"
    pointer.write_text("version https://git-lfs.github.com/spec/v1\n")

    other = tmp_path / "n.h5"
    other.write_bytes(bytes(range(200, 250)))

    assert _refusal(pointer).startswith("m.h5: is a git-lfs pointer")
    assert _refusal(other).startswith("n.h5: neither HDF5")
    assert _refusal().startswith("no file: neither HDF5")


@pytest.mark.parametrize(
    "config",
    [
        {"labels": ["a", "b"]},
        {"class_name": "Sequential"},
        {"class_name": "Sequential", "config": "text"},
        {"class_name": "Sequential", "config": None},
        {"class_name": ["Sequential"], "config": {}},
    ],
)
def test_json_that_is_no_architecture_is_broken(tmp_path: Path, config: Any) -> None:
    path = tmp_path / "net.json"
    path.write_text(json.dumps(config))

    assert "net.json: the JSON is no Keras architecture" in _refusal(
        path, write_weights(tmp_path / "w.h5")
    )


def test_json_that_can_not_be_read_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    path.write_text('{"class_name": NaN}')

    assert "net.json: its JSON can't be read" in _refusal(path, write_weights(tmp_path / "w.h5"))


def test_the_weights_of_a_pair_must_be_weights(tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    with h5py.File(path, "w") as file:
        file["measurements"] = [1, 2, 3]

    assert "w.h5: is HDF5, but holds no Keras weights" in _refusal(_architecture(tmp_path), path)
    assert "w.h5: is HDF5, but neither a Keras model nor Keras weights" in _refusal(path)


@pytest.mark.parametrize("layers", [7, [7], [{"class_name": "Dense"}], [None], "text"])
def test_strange_lists_of_layers_do_no_harm(tmp_path: Path, layers: Any) -> None:
    config = {"class_name": "Sequential", "config": {"layers": layers}}

    assert _inspect(write_whole(tmp_path / "m.h5", config)).layers == ()


def test_strange_shapes_do_no_harm(tmp_path: Path) -> None:
    config = sequential(layer("InputLayer", name=5, batch_shape=7))

    found = _inspect(write_whole(tmp_path / "m.h5", config))

    assert [layer.shape for layer in found.layers] == [None]


def test_keras_1_lists_its_layers_without_a_name(tmp_path: Path) -> None:
    config = {"class_name": "Sequential", "config": tiny()["config"]["layers"]}

    assert len(_inspect(write_whole(tmp_path / "m.h5", config, "1.2.2")).layers) == 2


def test_a_lambda_is_reported_and_then_refused(tmp_path: Path) -> None:
    found = _inspect(write_whole(tmp_path / "m.h5", sequential(layer("Lambda", name="evil"))))

    assert len(found.lambdas) == 1
    with pytest.raises(FileUnsafe, match=r"m\.h5 is refused: .*evil"):
        found.refuse_if_unsafe()


def test_a_lambda_passes_for_the_one_file_that_the_operator_vouches_for(tmp_path: Path) -> None:
    found = _inspect(write_whole(tmp_path / "m.h5", sequential(layer("Lambda", name="known"))))

    found.refuse_if_unsafe("a" * 64, "a" * 64)
    for vouched in ("", "b" * 64):
        with pytest.raises(FileUnsafe):
            found.refuse_if_unsafe(vouched, "a" * 64)
    with pytest.raises(FileUnsafe):
        found.refuse_if_unsafe("", "")


def test_a_custom_class_is_reported_and_then_refused(tmp_path: Path) -> None:
    found = _inspect(write_whole(tmp_path / "m.h5", sequential(layer("Mine"), layer("Yours"))))

    assert found.custom_classes == ("Mine", "Yours")
    found.refuse_if_unsafe()
    with pytest.raises(ClassesMissing, match="Mine, Yours; register a module"):
        found.refuse_if_unregistered(found.custom_classes)
    found.refuse_if_unregistered([])


def test_a_subclassed_model_is_refused_by_its_name(tmp_path: Path) -> None:
    config = {"class_name": "MyModel", "config": {}, "module": "mine"}

    assert _inspect(write_archive(tmp_path / "m.keras", config)).custom_classes == ("MyModel",)


def test_how_the_model_was_trained_does_not_matter(tmp_path: Path) -> None:
    """A loss of one's own is no reason to refuse: it isn't needed to predict."""
    config = {**tiny(), "compile_config": {"loss": layer("MyLoss"), "optimizer": layer("Adam")}}

    found = _inspect(write_archive(tmp_path / "m.keras", config))

    found.refuse_if_unsafe()
    assert (found.training.loss, found.training.optimizer) == ("MyLoss", "Adam")


def test_code_in_the_training_configuration_is_code(tmp_path: Path) -> None:
    config = {**tiny(), "compile_config": {"loss": layer("__lambda__", code="4wEAAA==")}}

    found = _inspect(write_archive(tmp_path / "m.keras", config))

    with pytest.raises(FileUnsafe, match=r"training\.loss"):
        found.refuse_if_unsafe()


def test_dropout_that_never_stops_is_stopped(tmp_path: Path) -> None:
    calls = [[["x", 0, 0, {"training": True}]]]
    dropout = {**layer("Dropout", name="d", rate=0.5), "name": "d", "inbound_nodes": calls}

    found = _inspect(
        write_whole(tmp_path / "m.h5", sequential(tiny()["config"]["layers"][0], dropout))
    )

    assert found.rules == ("dropout_off",)
    assert found.config["config"]["layers"][1]["inbound_nodes"] == [[["x", 0, 0, {}]]]


def test_an_optimizer_with_its_state_is_told(tmp_path: Path) -> None:
    path = write_whole(tmp_path / "m.h5")
    with h5py.File(path, "a") as file:
        names = ["iterations", "lr", "m_0", "v_0"]
        file.attrs["training_config"] = json.dumps(
            {"optimizer_config": layer("Adam"), "loss": "mse"}
        )
        file.create_group("optimizer_weights").attrs["weight_names"] = [n.encode() for n in names]

    training = _inspect(path).training

    assert (training.loss, training.optimizer, training.has_optimizer_state) == (
        "mse",
        "Adam",
        True,
    )


def test_an_unpacked_archive_is_opened_as_the_archive_is(tmp_path: Path) -> None:
    (tmp_path / "metadata.json").write_text('{"keras_version": "3.10.0"}')
    architecture = tmp_path / "config.json"
    architecture.write_text(json.dumps(tiny()))

    found = _inspect(
        architecture,
        tmp_path / "metadata.json",
        write_modern_weights(tmp_path / "model.weights.h5"),
    )

    assert (found.format, found.keras_version) == ("json+weights", "3.10.0")


def test_the_report_is_json_without_the_configuration(tmp_path: Path) -> None:
    report = _inspect(write_whole(tmp_path / "m.h5")).report()

    assert "config" not in report
    assert orjson.loads(orjson.dumps(report))["parameters"] == 15


def test_no_framework_is_imported(tmp_path: Path) -> None:
    """Looking must be cheap, and nothing may run before the file was found harmless."""
    loaded = set(sys.modules)

    _inspect(write_archive(tmp_path / "m.keras"))

    new = set(sys.modules) - loaded
    assert not any(name.split(".")[0] in ("tensorflow", "keras", "tf_keras") for name in new)
