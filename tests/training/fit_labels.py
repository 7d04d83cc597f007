"""Fits with labels of every kind, each held against Keras' own `fit` on whole arrays."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from service.base.strict_json import Json
from service.training.data.rows import Rows
from service.training.model.prepared import Prepared
from tests.training.fit_world import FEATURES, Attempt, data, numbers, plain, request, run

THREE = ("low", "middle", "high")


def labels_of_every_kind(folder: Path) -> Json:
    """The loss of the first epoch, ours and Keras'; one batch, so that no order counts."""
    three = numbers(60, classes=3)
    one_hot = keras.utils.to_categorical(three.labels, 3)
    many = Rows(three.inputs, (np.random.default_rng(2).random((60, 4)) > 0.5).astype(np.int64))
    real = Rows(three.inputs, three.inputs["numbers"][:, 0] * 3)
    two, weighted = numbers(60), numbers(60, weights=True)
    sparse, categorical = "sparse_categorical_crossentropy", "categorical_crossentropy"
    balanced = {"class_weight": "balanced"}
    found = np.bincount(three.labels, minlength=3)
    of_classes = {at: 60 / (3 * count) for at, count in enumerate(found)}
    both = weighted.weights * np.where(weighted.labels == 1, 3.0, 1.0)
    named = {"class_weight": {"1": 3.0}}
    cases: dict[str, tuple[Any, ...]] = {
        "binary": (lambda: plain(), two, two.labels, {}, {}, ("0", "1")),
        "hinge": (lambda: plain(1, "tanh", "hinge"), two, two.labels, {}, {}, ("0", "1")),
        "sparse": (lambda: plain(3, "softmax", sparse), three, three.labels, {}, {}, THREE),
        "one-hot": (
            lambda: plain(3, "softmax", categorical, is_one_hot=True), three, one_hot, {}, {},
            THREE,
        ),
        "multilabel": (
            lambda: plain(4), many, many.labels.astype(np.float32), {}, {}, ("a", "b", "c", "d"),
        ),
        "regression": (lambda: plain(1, "linear", "mse"), real, real.labels, {}, {}, ()),
        "balanced": (
            lambda: plain(3, "softmax", sparse), three, three.labels, balanced,
            {"class_weight": of_classes}, THREE,
        ),
        "row weights": (
            lambda: plain(), weighted, weighted.labels, {}, {"sample_weight": weighted.weights},
            ("0", "1"),
        ),
        "row and class weights": (
            lambda: plain(), weighted, weighted.labels, named, {"sample_weight": both}, ("0", "1"),
        ),
    }  # fmt: skip
    return {name: _both(folder / name, *case) for name, case in cases.items()} | {
        "several inputs": _several_inputs(folder)
    }


def _both(
    folder: Path, make: Any, rows: Rows, truth: Any, asked: Json, keras_asked: Json,
    names: tuple[str, ...] = (),
) -> Json:  # fmt: skip
    fit = {"epochs": 2, "batch_size": 64, **asked}
    ours = run(make(), data(rows, names=names), request(fit=fit), Attempt(folder))
    theirs = make().model.fit(
        rows.inputs["numbers"], truth, batch_size=64, epochs=2, verbose=0, **keras_asked
    )
    mine = [record.metrics["loss"] for record in ours.history]
    scores = [record.metrics.get("accuracy") for record in ours.history]
    return {"ours": mine, "keras": theirs.history["loss"], "accuracy": scores,
            "keras_accuracy": theirs.history.get("accuracy")}  # fmt: skip


def _several_inputs(folder: Path) -> Json:
    """Two inputs, which the model takes as a list and as a dictionary."""
    rows = numbers(60)
    pair = Rows({"a": rows.inputs["numbers"], "b": rows.inputs["numbers"] * 2}, rows.labels)
    losses = {}
    for form in ("list", "dict"):
        keras.utils.set_random_seed(1)
        a, b = keras.Input((FEATURES,), name="a"), keras.Input((FEATURES,), name="b")
        joined = keras.layers.Concatenate()([a, b])
        answer = keras.layers.Dense(1, activation="sigmoid")(joined)
        model = keras.Model([a, b] if form == "list" else {"a": a, "b": b}, answer)
        model.compile("sgd", "binary_crossentropy")
        prepared = Prepared(model, {}, 1)
        fitted = run(prepared, data(pair), request(), Attempt(folder / form))
        losses[form] = [record.metrics["loss"] for record in fitted.history]
    return losses
