"""Good models: they guard against a loader that simply refuses everything."""

import json
import zipfile
from typing import Any

import h5py
import keras
import numpy as np

from service.base.strict_json import Json
from tests.attacks.architecture import RELU, a_lambda, of_one
from tests.attacks.base import Base, make_model, saved
from tests.attacks.case import Case, Corpus
from tests.attacks.family import CONTROL
from tests.attacks.files import archive_of, whole_h5, zipped


def add_controls(corpus: Corpus, base: Base) -> None:
    """Write every good model."""
    _add(corpus, "control_h5.h5", base.h5, "plain Keras 3 .h5")
    mse = saved(make_model(loss="mse"), ".h5")
    _add(corpus, "control_h5_mse.h5", mse, "plain .h5 compiled with the string 'mse'")
    _add(corpus, "control_keras.keras", base.keras, "plain .keras")
    _add_pair(corpus, base)
    _add(
        corpus, "control_keras2.h5", whole_h5(_keras2(), _fill_keras2, "2.15.0"), "Keras 2 era .h5"
    )
    _add(corpus, "control_deflated.keras", _deflated(base), "re-zipped with compression")
    named = saved(make_model(name="modèle_日本"), ".keras")
    _add(corpus, "control_unicode.keras", named, "unicode names")
    _add(corpus, "control_conv.h5", _convolution(), "conv + batch norm", shape=(1, 8, 8, 1))
    words = "StringLookup with its vocabulary inside the archive"
    _add(corpus, "control_vocab.keras", _vocabulary(), words, input="string")
    _add_builtin_lambda(corpus)
    model = make_model()
    model.export(str(corpus.models / "control_savedmodel"), verbose=False)
    draft = _draft("control_savedmodel", "SavedModel exported by Keras", kind="savedmodel")
    corpus.add(draft, corpus.models / "control_savedmodel")


def _draft(case: str, why: str, **more: Any) -> Case:
    return Case(case, CONTROL, "-", f"load and predict: {why}", "load", **more)


def _add(corpus: Corpus, name: str, content: bytes, why: str, **more: Any) -> None:
    corpus.write(_draft(name.split(".")[0], why, **more), name, content)


def _add_pair(corpus: Corpus, base: Base) -> None:
    weights = corpus.models / "control_json.weights.h5"
    weights.write_bytes(base.weights)
    companion = str(weights.relative_to(corpus.out))
    draft = _draft("control_json", "JSON + .weights.h5", companion=companion)
    corpus.write(draft, "control_json.json", base.architecture)


def _keras2() -> Json:
    nothing = ("kernel_regularizer", "bias_regularizer", "activity_regularizer")
    settings = {
        "name": "d1",
        "trainable": True,
        "batch_input_shape": [None, 4],
        "dtype": "float32",
        "units": 3,
        "activation": "relu",
        "use_bias": True,
        "kernel_initializer": {"class_name": "GlorotUniform", "config": {"seed": None}},
        "bias_initializer": {"class_name": "Zeros", "config": {}},
        **dict.fromkeys((*nothing, "kernel_constraint", "bias_constraint")),
    }
    layers = [{"class_name": "Dense", "config": settings}]
    return {"class_name": "Sequential", "config": {"name": "sequential", "layers": layers}}


def _fill_keras2(group: h5py.Group) -> None:
    group.attrs["layer_names"] = [b"d1"]
    layer = group.create_group("d1")
    layer.attrs["weight_names"] = [b"d1/kernel:0", b"d1/bias:0"]
    layer["d1/kernel:0"] = np.ones((4, 3), "f4")
    layer["d1/bias:0"] = np.zeros((3,), "f4")


def _deflated(base: Base) -> bytes:
    return zipped(base.members, method=zipfile.ZIP_DEFLATED)


def _convolution() -> bytes:
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(2, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(2),
        ]
    )
    model.compile("adam", keras.losses.MeanSquaredError())
    return saved(model, ".h5")


def _vocabulary() -> bytes:
    lookup = keras.layers.StringLookup(vocabulary=["a", "b", "c"])
    model = keras.Sequential([keras.layers.Input((1,), dtype="string"), lookup])
    return saved(model, ".keras")


def _add_builtin_lambda(corpus: Corpus) -> None:
    must = (
        "a Lambda naming a built-in activation carries no code: loading it is right, "
        "refusing it (allow-list without Lambda) is acceptable"
    )
    draft = Case("control_lambda_builtin", CONTROL, "Lambda.function", must, "load", either=True)
    config = of_one(a_lambda("lam", RELU))
    corpus.write(draft, "control_lambda_builtin.keras", archive_of(json.dumps(config)))
