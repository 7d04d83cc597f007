"""Versions of every format and era are made ready to train, or refused with what to do."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.base.load_options import LoadOptions
from service.base.refusals import ClassesMissing, FileBroken, FileRefused, TrainingRefused
from tests.eras.entries import read_entries
from tests.training.asking import data_of, prepared, states, version_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy"),
]

ROWS = np.random.default_rng(0).random((12, 5)).astype(np.float32)
CLASSES = data_of(ROWS, np.arange(12) % 3, 3)
CLIPPED_TWICE = {"name": "adam", "clipnorm": 1, "clipvalue": 1}
ENTRIES = {str(entry): entry for entry in read_entries()}
MINE = """
import keras


def mine(y_true, y_pred):
    return keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)
"""


def _saved(folder: Path, loss: Any = "categorical_crossentropy", **net: Any) -> Path:
    import keras

    model = keras.Sequential(
        [keras.Input((5,), **net), keras.layers.Dense(4, name="body"),
         keras.layers.Dropout(0.5, name="drop"), keras.layers.Dense(3, "softmax", name="kind")]
    )  # fmt: skip
    if loss is not None:
        model.compile("rmsprop", loss, metrics=["accuracy", keras.metrics.AUC(name="roc")])
    path = folder / "model.keras"
    model.save(path)
    return path


@pytest.mark.parametrize("classes", [2, 0])
def test_answers_without_an_axis_of_their_own_are_learned(tmp_path: Path, classes: int) -> None:
    import keras

    inputs = keras.Input((5,))
    answer = keras.layers.Dense(1, activation="sigmoid" if classes else "linear")(inputs)
    keras.Model(inputs, keras.ops.squeeze(answer, -1)).save(tmp_path / "model.keras")

    ready = prepared(
        version_of(tmp_path / "model.keras"), data_of(ROWS, np.arange(12) % 2, classes)
    )

    (metric,) = ready.report["compile"]["metrics"]
    assert metric["class_name"] == ("BinaryAccuracy" if classes else "MeanAbsoluteError")
    assert (ready.width, ready.report["compile"]["loss"]["config"]) == (1, {})


def test_goes_on_as_the_file_says(tmp_path: Path) -> None:
    ready = prepared(version_of(_saved(tmp_path)), CLASSES)

    compiled = ready.report["compile"]
    assert {(part, compiled[part]["class_name"], compiled[part]["from"]) for part in
            ("optimizer", "loss")} == {
        ("optimizer", "RMSprop", "file"), ("loss", "CategoricalCrossentropy", "file"),
    }  # fmt: skip
    assert [metric["class_name"] for metric in compiled["metrics"]] == ["accuracy", "AUC"]
    assert (ready.is_one_hot, ready.width, compiled["labels"]) == (True, 3, "one-hot")
    logs = ready.model.train_on_batch(ROWS, ready.targets(CLASSES.train.labels), return_dict=True)
    assert set(logs) == {"loss", "accuracy", "roc"}
    assert json.loads(json.dumps(ready.report)) == ready.report


def test_one_seed_makes_one_training(tmp_path: Path) -> None:
    source = version_of(_saved(tmp_path, loss=None))

    def train(seed: int) -> list[bytes]:
        ready = prepared(source, CLASSES, init={"from": "architecture"}, fit={"seed": seed})
        for _ in range(3):
            ready.model.train_on_batch(ROWS, ready.targets(CLASSES.train.labels))
        return [value.tobytes() for value in ready.model.get_weights()]

    assert train(1) == train(1) != train(2)


def test_the_operator_s_own_loss(tmp_path: Path) -> None:
    (tmp_path / "own_losses.py").write_text(MINE)
    path = _saved(tmp_path, loss=None)
    _write_loss(path, "mine")
    options = LoadOptions(custom_objects=("own_losses",), custom_objects_path=(str(tmp_path),))

    ready = prepared(version_of(path, options=options), CLASSES)
    without = prepared(version_of(path), CLASSES)

    assert ready.report["compile"]["loss"] == {"class_name": "mine", "config": {}, "from": "file"}
    assert np.isfinite(ready.model.train_on_batch(ROWS, ready.targets(CLASSES.train.labels))[0])
    assert without.report["compile"]["loss"]["from"] == "task"
    assert (
        "the file's loss mine is none of Keras' and isn't registered"
        in (without.report["compile"]["notes"])
    )


def test_what_keras_has_beside_losses_is_none(tmp_path: Path) -> None:
    path = _saved(tmp_path, loss=None)
    _write_loss(path, "deserialize")

    ready = prepared(version_of(path), CLASSES)

    assert ready.report["compile"]["loss"]["from"] == "task"


def _write_loss(path: Path, name: str) -> None:
    """As Keras writes a function of one's own."""
    import zipfile

    with zipfile.ZipFile(path) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    config = json.loads(members["config.json"])
    loss = {"module": "builtins", "class_name": "function", "config": name}
    config["compile_config"] = {"optimizer": "adam", "loss": {**loss, "registered_name": name}}
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)


@pytest.mark.parametrize(
    ("name", "optimizer"),
    [
        ("keras-1.0.8-theano-dense.h5", "default"),
        ("keras-2.0.8-theano-dense.h5", "restored"),
        ("keras-2.3.1-tensorflow-dense.h5", "restored"),
        ("tf.keras-1.14-dense.h5", "restored"),
        ("tf.keras-2.4-dense.h5", "restored"),
        ("tf.keras-2.13-dense_v3.keras", "restored"),
        ("tf.keras-2.15-dense.h5", "restored"),
    ],
)
def test_files_of_every_era_learn_on(name: str, optimizer: str, tmp_path: Path) -> None:
    entry = ENTRIES[name]
    inputs, _ = entry.read_examples()
    rows = np.asarray(inputs[0], np.float32)
    source = version_of(*entry.lay_out(tmp_path).values())
    data = data_of(rows, np.arange(len(rows)) % 3, 3)

    ready = prepared(source, data)

    assert set(states(ready).values()) == {"loaded"}
    told = ready.report["compile"]["optimizer"]
    assert optimizer in (told["from"], told["state"])
    before = ready.model.get_weights()
    ready.model.train_on_batch(rows, ready.targets(data.train.labels))
    after = ready.model.get_weights()
    assert all(np.isfinite(value).all() for value in after)
    assert not any(np.array_equal(a, b) for a, b in zip(before, after, strict=True) if a.any())


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("keras-2.2.4-tensorflow-local.h5", "retraining needs Keras 3, which can't build it"),
        (
            "tf.keras-2.0-separable.saved_model",
            "publish the .keras or .h5 file that it was exported",
        ),
        ("keras-2.2.4-tensorflow-merges.h5", "it has 2 outputs (kind, score)"),
    ],
)
def test_what_only_serves_is_refused_with_what_to_do(name: str, told: str, tmp_path: Path) -> None:
    entry = ENTRIES[name]
    files = entry.lay_out(tmp_path)
    source = replace(version_of(), files=files)

    with pytest.raises(TrainingRefused) as caught:
        prepared(source, CLASSES)

    assert told in str(caught.value)


def test_what_is_refused_to_serve_is_refused_to_train(tmp_path: Path) -> None:
    for name in (name for name, entry in ENTRIES.items() if entry.refused == "Lambda"):
        folder = tmp_path / name
        os.makedirs(folder)
        source = replace(version_of(), files=ENTRIES[name].lay_out(folder))

        with pytest.raises(FileRefused, match="a Lambda carries Python bytecode"):
            prepared(source, CLASSES)


def test_custom_classes_are_the_operator_s(tmp_path: Path) -> None:
    entry = next(entry for entry in ENTRIES.values() if entry.refused == "Doubled")
    source = version_of(*entry.lay_out(tmp_path).values())

    with pytest.raises(ClassesMissing, match="Doubled"):
        prepared(source, CLASSES)


def test_another_file_than_the_one_that_is_served(tmp_path: Path) -> None:
    source = version_of(_saved(tmp_path))
    other = replace(source, digests={"model.keras": "0" * 64})

    with pytest.raises(FileBroken, match="isn't the file that is served as this version"):
        prepared(other, CLASSES)


@pytest.mark.parametrize(
    ("labels", "net", "parts", "told"),
    [
        (np.arange(12), {}, {}, "it has 3 outputs, the labels go from 0 to 11"),
        (np.arange(12) % 3, {"batch_size": 4}, {}, "it takes batches of exactly 4 rows"),
        (np.arange(12) % 3, {}, {"compile": {"optimizer": CLIPPED_TWICE}},
         "Adam(clipnorm=1, clipvalue=1) is refused by Keras"),
        (np.arange(12) % 3, {}, {"init": {"freeze": ["*"]}}, "nothing would learn"),
        (np.arange(12) % 2, {}, {"init": {"replace_head": {"classes": 2}},
                                 "compile": {"loss": "categorical_crossentropy"}},
         "the loss CategoricalCrossentropy is for several classes"),
    ],
    ids=["labels", "batch", "argument", "frozen", "loss"],
)  # fmt: skip
def test_says_what_can_not_be_done(
    labels: Any, net: dict[str, Any], parts: dict[str, Any], told: str, tmp_path: Path
) -> None:
    source = version_of(_saved(tmp_path, loss=None, **net))

    with pytest.raises(TrainingRefused) as caught:
        prepared(source, data_of(ROWS, labels, 3), **parts)

    assert told in str(caught.value)
    assert str(caught.value).startswith("model.keras can't be trained as asked: ")
