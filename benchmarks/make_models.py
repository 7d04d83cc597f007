"""Makes the models, their ONNX twins, sample rows and Keras's own answers to them.

Run as a child process, `python -m benchmarks.make_models FOLDER NAME...`, so that the process that
measures never has TensorFlow in it.
"""

import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tf2onnx
from keras import layers

from benchmarks import models
from benchmarks.models import INPUT, Model

CLASSES = 10
SEED = 0
SETTLING_ROWS = 32


def make(model: Model, top: Path) -> None:
    """Write the model in both formats, the rows and the answers."""
    keras.utils.set_random_seed(SEED)
    random = np.random.default_rng(SEED)
    built = BUILDERS[model.name](model)
    if model is models.MOBILENET:
        _settle(built, random.random((SETTLING_ROWS, *model.shape), dtype=np.float32))
    # Four decimals survive the way through JSON text unchanged.
    rows = np.round(random.random((model.rows, *model.shape)), 4).astype(np.float32)
    model.repository(top).mkdir(parents=True)
    built.save(model.keras_file(top))
    np.save(model.rows_file(top), rows)
    np.save(model.truth_file(top), np.asarray(built(rows, training=False)))
    signature = [tf.TensorSpec((None, *model.shape), tf.float32, name=INPUT)]
    call = tf.function(lambda batch: built(batch, training=False), input_signature=signature)
    tf2onnx.convert.from_function(
        call, input_signature=signature, output_path=str(model.onnx_file(top))
    )


def _mlp(model: Model) -> Any:
    return keras.Sequential(
        [
            keras.Input(model.shape, name=INPUT),
            *(layers.Dense(units, "relu") for units in (32, 64, 128)),
            layers.Dense(CLASSES, "softmax", name=model.output),
        ],
        name=model.name,
    )


def _lstm(model: Model) -> Any:
    return keras.Sequential(
        [
            keras.Input(model.shape, name=INPUT),
            layers.LSTM(64),
            layers.Dense(CLASSES, "softmax", name=model.output),
        ],
        name=model.name,
    )


def _mobilenet(model: Model) -> Any:
    return keras.applications.MobileNetV2(
        weights=None,
        classes=CLASSES,
        input_tensor=keras.Input(model.shape, name=INPUT),
        name=model.name,
    )


def _slow(model: Model) -> Any:
    """Much work for few numbers, as much for each row of a batch as for one alone."""
    return keras.Sequential(
        [
            keras.Input(model.shape, name=INPUT),
            layers.Reshape((8, 8, 1)),
            layers.UpSampling2D(12),
            *(layers.Conv2D(64, 3, activation="relu") for _ in range(4)),
            layers.GlobalAveragePooling2D(),
            layers.Rescaling(100.0),  # or every row would get much the same answer
            layers.Dense(CLASSES, "softmax", name=model.output),
        ],
        name=model.name,
    )


def _settle(built: Any, rows: Any) -> None:
    """Give batch normalisation the statistics of one batch.

    Untrained, the signal dies in fifty of these layers, and every image gets the same answer.
    """
    norms = [each for each in built.layers if isinstance(each, layers.BatchNormalization)]
    momenta = [each.momentum for each in norms]
    for each in norms:
        each.momentum = 0.0
    built(rows, training=True)
    for each, momentum in zip(norms, momenta, strict=True):
        each.momentum = momentum


BUILDERS = {
    models.MLP.name: _mlp,
    models.LSTM.name: _lstm,
    models.MOBILENET.name: _mobilenet,
    models.SLOW.name: _slow,
}


if __name__ == "__main__":
    for given in sys.argv[2:]:
        make(models.named(given), Path(sys.argv[1]))
