"""Models as Keras 3 writes them.

python -m tests.eras.write.keras3 ENGINE FOLDER
"""

import sys
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from tests.eras.write import keras2_models as models
from tests.eras.write.record import Recorder, indices, numbers, scatter


def dense() -> Any:
    return keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(6, activation="relu", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Dropout(0.3),
            layers.Dense(4, activation="hard_sigmoid"),  # another function than Keras 2's
            layers.PReLU(),
            layers.Dense(4, activation="gelu"),
            layers.LayerNormalization(),
            layers.Dense(3, activation="softmax"),
        ]
    )


def images() -> Any:
    return keras.Sequential(
        [
            keras.Input((9, 8, 2)),
            layers.Rescaling(0.5, offset=-0.1),
            layers.RandomFlip("horizontal"),
            layers.Conv2D(4, (3, 2), padding="same", activation="silu"),
            layers.GroupNormalization(groups=2),
            layers.SeparableConv2D(4, (3, 2), depth_multiplier=2),
            layers.DepthwiseConv2D((2, 3)),
            layers.Conv2DTranspose(3, (3, 2), strides=2),
            layers.MaxPooling2D(2),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, activation="sigmoid"),
        ]
    )


def recurrent() -> Any:
    return keras.Sequential(
        [
            keras.Input((7,)),
            layers.Embedding(20, 4, mask_zero=True),
            layers.Bidirectional(layers.LSTM(3, return_sequences=True)),
            layers.GRU(4, return_sequences=True),
            layers.TimeDistributed(layers.Dense(3, activation="tanh")),
            layers.SimpleRNN(3, return_sequences=True, go_backwards=True),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )


def attention() -> Any:
    query, value = keras.Input((4, 6), name="query"), keras.Input((5, 6), name="value")
    mixed = layers.MultiHeadAttention(num_heads=2, key_dim=3)(query=query, value=value, key=value)
    added = layers.LayerNormalization()(layers.Add()([query, mixed]))
    again = layers.Attention(use_scale=True)([added, value])
    pooled = layers.GlobalAveragePooling1D()(layers.Concatenate()([added, again]))
    return keras.Model([query, value], layers.Dense(3, activation="softmax")(pooled))


def operations() -> Any:
    inputs = keras.Input((4, 3), name="series")
    scaled = inputs / 2.0 - 0.25
    mean, last = ops.mean(scaled, axis=1), scaled[:, -1, :]
    joined = ops.concatenate([mean, last * mean, ops.relu(last)], axis=-1)
    hidden = layers.Dense(4)(joined)
    return keras.Model(inputs, [layers.Dense(2)(ops.sigmoid(hidden)), ops.sum(joined, axis=-1)])


def columns() -> Any:
    numeric = keras.Input((3,), name="numeric")
    age = keras.Input((1,), name="age")
    normalize = layers.Normalization(name="normalize")
    normalize.adapt(np.random.RandomState(3).normal([3, -2, 0.5], [2, 1, 0.1], (200, 3)))
    bucket = layers.Discretization(bin_boundaries=[-0.5, 0.0, 0.75])(age)
    place = layers.Flatten()(layers.Embedding(4, 2, name="place")(bucket))
    joined = layers.Concatenate()([normalize(numeric), place])
    model = keras.Model([numeric, age], layers.Dense(2, name="score")(joined))
    scatter_adapted(model)
    return model


def scatter_adapted(model: Any) -> None:
    """Other layers keep what they were adapted to."""
    for name in ("place", "score"):
        scatter(model.get_layer(name))


def words() -> Any:
    vectorize = layers.TextVectorization(max_tokens=12, output_sequence_length=5)
    vectorize.adapt(np.array(["the cat sat", "the dog ran", "a cat ran away"]))
    model = keras.Sequential(
        [
            keras.Input((1,), dtype="string"),
            vectorize,
            layers.Embedding(12, 3, name="place"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(2, name="score"),
        ]
    )
    scatter_adapted(model)
    return model


def mixed() -> Any:
    return keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(6, activation="relu", dtype="mixed_float16"),
            layers.BatchNormalization(dtype="mixed_float16"),
            layers.Dense(3, activation="softmax", dtype="float32"),
        ]
    )


def main(engine: str, folder: str) -> None:
    record = Recorder(engine, folder, keras.__version__, keras.backend.backend())
    record.as_texts = tf.constant  # Keras 3 takes no texts from NumPy

    def archive(name: str, purpose: str, model: Any, *inputs: Any) -> None:
        scatter(model)
        record.archive(name, purpose, model, inputs)

    model = dense()
    scatter(model)
    model.compile("adam", "mse")
    record.archive("dense", "a compiled Sequential", model, [numbers(5)])
    record.whole("dense", "the older format, written by Keras 3", model, [numbers(5)])
    archive("images", "convolutions", images(), numbers(9, 8, 2))
    archive("rnn", "words, recurrent layers", recurrent(), indices(20, 7, lowest=1))
    archive("attention", "attention by keyword", attention(), numbers(4, 6), numbers(5, 6))
    archive("operations", "operations as layers, two outputs", operations(), numbers(4, 3))
    archive("merges", "every merging layer", models.merges(keras), numbers(4), numbers(4)[::-1])
    archive("nested", "models within models", models.nested(keras), numbers(5), numbers(5)[::-1])
    model = mixed()
    scatter(model)
    record.archive("mixed", "a float16 policy", model, [numbers(5)], tolerance=5e-3)
    record.archive("columns", "a table, adapted", columns(), [numbers(3), numbers(1)])
    rows = ["the cat ran", "a dog", "THE cat, away!", "nothing known", "sat sat sat"]
    record.archive("words", "texts", words(), [np.array(rows)[:, None]])
    model = recurrent()
    scatter(model)
    record.modern_weights("parts", "architecture and weights apart", model,
                          [indices(20, 7, lowest=1)])  # fmt: skip
    record.refused("weights", "weights without an architecture",
                   {"weights.h5": "parts.weights.h5"}, "weights only")  # fmt: skip
    model = keras.Sequential([keras.Input((2,)), layers.Dense(2), layers.Lambda(lambda x: x * 2)])
    model.save(f"{folder}/code.keras")
    record.refused("code", "a Lambda layer", {"model.keras": "code.keras"}, "Lambda")
    record.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
