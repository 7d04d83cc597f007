"""Models with what tf.keras added: attention, operations as layers, preprocessing, policies.

Each function takes the `tensorflow` of whoever asks.
"""

from typing import Any

import numpy as np


def normed(tf: Any) -> Any:
    layers = tf.keras.layers
    return tf.keras.Sequential(
        [
            layers.Dense(6, input_shape=(4, 5), activation="swish"),
            layers.LayerNormalization(),
            layers.Dense(3, activation=tf.nn.tanh),
        ]
    )


def attention(tf: Any) -> Any:
    """Tensors given by keyword, a mask among them."""
    layers = tf.keras.layers
    query, value = layers.Input((4, 6), name="query"), layers.Input((5, 6), name="value")
    heads = layers.MultiHeadAttention(num_heads=2, key_dim=3, name="heads")
    mixed = heads(query=query, value=value, key=value)
    again = layers.Attention(use_scale=True)([mixed, value])
    additive = layers.AdditiveAttention()([query, value])
    joined = layers.Concatenate()([layers.Add()([query, mixed]), again, additive])
    pooled = layers.GlobalAveragePooling1D()(joined)
    return tf.keras.Model([query, value], layers.Dense(3, activation="softmax")(pooled))


def early_attention(tf: Any) -> Any:
    """Before MultiHeadAttention."""
    layers = tf.keras.layers
    query, value = layers.Input((4, 6), name="query"), layers.Input((5, 6), name="value")
    joined = layers.Concatenate()(
        [
            layers.Attention(use_scale=True)([query, value]),
            layers.AdditiveAttention()([query, value]),
        ]
    )
    pooled = layers.GlobalAveragePooling1D()(joined)
    return tf.keras.Model([query, value], layers.Dense(3)(pooled))


def operations(tf: Any) -> Any:
    """Tensors reckoned with as such: tf.keras records operations as layers of its own."""
    layers = tf.keras.layers
    inputs = layers.Input((4, 3), name="series")
    scaled = inputs / 2.0 - 0.25
    mean = tf.reduce_mean(scaled, axis=1)
    last = scaled[:, -1, :]
    joined = tf.concat([mean, last * mean, tf.nn.relu(last)], axis=-1)
    hidden = layers.Dense(4)(joined)
    total = tf.math.sigmoid(hidden) + tf.expand_dims(tf.reduce_sum(joined, -1), -1)
    return tf.keras.Model(inputs, layers.Dense(2)(tf.reshape(total, (-1, 4))))


def mixed(tf: Any) -> Any:
    """Reckons in float16 and answers in float32."""
    layers = tf.keras.layers
    policy = tf.keras.mixed_precision.Policy("mixed_float16")
    return tf.keras.Sequential(
        [
            layers.Dense(6, input_shape=(5,), activation="relu", dtype=policy),
            layers.BatchNormalization(dtype=policy),
            layers.Dense(3, activation="softmax", dtype="float32"),
        ]
    )


def columns(tf: Any) -> Any:
    """A table: numbers made alike, categories by number; adapted to data after its making."""
    layers = tf.keras.layers
    numeric = layers.Input((3,), name="numeric")
    category = layers.Input((1,), name="category", dtype="int64")
    normalize = layers.Normalization(name="normalize")
    normalize.adapt(np.random.RandomState(3).normal([3, -2, 0.5], [2, 1, 0.1], (200, 3)))
    encoded = layers.CategoryEncoding(num_tokens=4, output_mode="one_hot")(category)
    joined = layers.Concatenate()([normalize(numeric), encoded])
    return tf.keras.Model([numeric, category], layers.Dense(2, name="score")(joined))


def pixels(tf: Any) -> Any:
    layers = tf.keras.layers
    return tf.keras.Sequential(
        [
            layers.Rescaling(1.0 / 127.5, offset=-1, input_shape=(8, 8, 3)),
            layers.RandomFlip("horizontal"),
            layers.RandomRotation(0.1),
            layers.Resizing(6, 6),
            layers.CenterCrop(5, 4),
            layers.Conv2D(2, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2),
        ]
    )


def words(tf: Any) -> Any:
    """Texts go in."""
    layers = tf.keras.layers
    vectorize = layers.TextVectorization(max_tokens=12, output_sequence_length=5)
    vectorize.adapt(np.array(["the cat sat", "the dog ran", "a cat ran away"]))
    model = tf.keras.Sequential([tf.keras.Input((1,), dtype="string"), vectorize])
    model.add(layers.Embedding(12, 3, name="place"))
    model.add(layers.GlobalAveragePooling1D())
    model.add(layers.Dense(2, name="score"))
    return model


def lookup(tf: Any) -> Any:
    """Names of categories go in."""
    layers = tf.keras.layers
    colour = layers.Input((1,), name="colour", dtype="string")
    index = layers.StringLookup(vocabulary=["red", "green", "blue"])(colour)
    encoded = layers.CategoryEncoding(num_tokens=4, output_mode="multi_hot")(index)
    return tf.keras.Model(colour, layers.Dense(2)(encoded))


def buckets(tf: Any, adapted: bool = False) -> Any:
    layers = tf.keras.layers
    age = layers.Input((1,), name="age")
    if adapted:
        discretize = layers.Discretization(num_bins=4)
        discretize.adapt(np.random.RandomState(3).normal(size=(200, 1)))
    else:
        discretize = layers.Discretization(bin_boundaries=[-0.5, 0.0, 0.75])
    bucket = discretize(age)
    encoded = layers.CategoryEncoding(num_tokens=4, output_mode="one_hot")(bucket)
    return tf.keras.Model(age, layers.Dense(2)(encoded))


def own_class(tf: Any) -> Any:
    """A layer that only its author's program knows."""

    class Doubled(tf.keras.layers.Layer):
        def call(self, inputs: Any) -> Any:
            return inputs * 2

    return tf.keras.Sequential([tf.keras.layers.Dense(3, input_shape=(2,)), Doubled()])


def code(tf: Any) -> Any:
    """A Lambda layer: its function lies in the file as code."""
    layers = tf.keras.layers
    return tf.keras.Sequential([layers.Dense(3, input_shape=(2,)), layers.Lambda(lambda x: x * 2)])
