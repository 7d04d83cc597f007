"""The losses in NumPy are Keras' own to rounding; what isn't one of them is told as none."""

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from service.quality.keras_losses import LOSSES, Loss, loss_of, mean_loss

COMPARED = """
import json, sys
import keras, numpy as np
rng = np.random.default_rng(5)
softmax = lambda v: np.exp(v) / np.exp(v).sum(axis=1, keepdims=True)
logits = rng.normal(size=(40, 3)) * 3
index = rng.integers(0, 3, 40)
one_hot = np.eye(3)[index]
bits = (rng.random((40, 3)) < 0.5).astype(float)
positive = rng.random((40, 3)) + 0.1
close = positive + rng.normal(size=(40, 3)) * 0.05
edges = np.eye(3)[logits.argmax(axis=1)]
L = keras.losses
cases = [
    (L.MeanSquaredError(), positive, close), (L.MeanAbsoluteError(), positive, close),
    (L.MeanAbsolutePercentageError(), positive, close),
    (L.MeanSquaredLogarithmicError(), positive, close), (L.Huber(delta=0.04), positive, close),
    (L.LogCosh(), positive, 9 * close), (L.Poisson(), positive, np.abs(close)),
    (L.KLDivergence(), softmax(positive), softmax(logits)),
    (L.BinaryCrossentropy(), bits, softmax(logits)),
    (L.BinaryCrossentropy(from_logits=True, label_smoothing=0.1), bits, logits),
    (L.BinaryCrossentropy(), bits[:, :1], edges[:, :1]),
    (L.CategoricalCrossentropy(label_smoothing=0.2), one_hot, softmax(logits)),
    (L.CategoricalCrossentropy(from_logits=True), one_hot, logits),
    (L.CategoricalCrossentropy(), one_hot, edges),
    (L.CategoricalCrossentropy(), one_hot, positive),
    (L.SparseCategoricalCrossentropy(), index, softmax(logits)),
    (L.SparseCategoricalCrossentropy(from_logits=True), index, logits),
    (L.Hinge(), bits, logits), (L.SquaredHinge(), bits, logits),
    (L.CategoricalHinge(), one_hot, logits),
]
for loss, true, said in cases:
    value = float(loss(true, said))
    config = keras.losses.serialize(loss)
    if isinstance(loss, L.Huber):
        config["config"]["delta"] = 0.04  # Keras leaves it out
    print(json.dumps([config, value, true.tolist(), said.tolist()]))
"""


@pytest.mark.slow
def test_they_are_those_of_keras() -> None:
    done = subprocess.run(
        [sys.executable, "-c", COMPARED], check=True, capture_output=True, text=True
    )
    seen = set()
    for line in done.stdout.splitlines():
        config, value, true, said = json.loads(line)
        loss = loss_of(config)
        assert loss is not None, config
        seen.add(loss.name)
        mine = mean_loss(loss, np.array(true), np.array(said))
        assert mine == pytest.approx(value, rel=2e-5), config
    assert seen == set(LOSSES)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("mse", Loss("mean_squared_error")),
        ("MeanSquaredError", Loss("mean_squared_error")),
        ("KLDivergence", Loss("kl_divergence")),
        ("sparse_categorical_crossentropy", Loss("sparse_categorical_crossentropy")),
        (
            {"class_name": "BinaryCrossentropy", "config": {"from_logits": True}},
            Loss("binary_crossentropy", from_logits=True),
        ),
        ({"class_name": "Huber", "config": {"delta": 2}}, Loss("huber", delta=2)),
        (
            {"class_name": "BinaryCrossentropy", "config": {"reduction": "sum"}},
            Loss("binary_crossentropy"),
        ),
        ({"class_name": "BinaryCrossentropy", "config": {"reduction": "none"}}, None),
        ({"class_name": "BinaryCrossentropy", "config": {"axis": 2}}, None),
        ({"class_name": "Dice", "config": {}}, None),
        ("my_loss", None),
        ({"a": "mse"}, None),
        (None, None),
    ],
    ids=str,
)
def test_names_of_any_form_are_understood(given: Any, expected: Loss | None) -> None:
    assert loss_of(given) == expected


def test_class_indices_are_taken_by_losses_of_one_hot_rows() -> None:
    said = np.array([[0.7, 0.3], [0.2, 0.8]])
    index = np.array([0, 1])
    by_index = mean_loss(Loss("categorical_crossentropy"), index, said)
    assert by_index == mean_loss(Loss("categorical_crossentropy"), np.eye(2)[index], said)
    assert mean_loss(Loss("binary_crossentropy"), index, said[:, 1]) is not None


@pytest.mark.parametrize(
    ("true", "said"),
    [
        (np.zeros((0, 1)), np.zeros((0, 1))),
        (np.zeros(2), np.array([np.nan, 1.0])),
        (np.zeros((2, 3)), np.zeros((2, 2))),
    ],
    ids=["no rows", "no number", "other shapes"],
)
def test_what_has_no_value_has_none(true: np.ndarray, said: np.ndarray) -> None:
    assert mean_loss(Loss("mean_squared_error"), true, said) is None
