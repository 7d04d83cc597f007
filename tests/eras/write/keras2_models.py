"""Models of the Keras 2 era, built with the `keras` of whoever asks: Keras 2 or tf.keras.

Each function takes that module; what a version of it lacks, its caller leaves out.
"""

from typing import Any

import numpy as np

from tests.eras.write.record import ROWS, numbers, scatter


def dense(keras: Any) -> Any:
    layers = keras.layers
    return keras.models.Sequential(
        [
            layers.Dense(6, input_shape=(5,), activation="relu", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.LeakyReLU(alpha=0.2),
            layers.Dropout(0.3),
            layers.Dense(4, use_bias=False),
            layers.PReLU(),
            layers.GaussianNoise(0.1),
            layers.Dense(4, activation="hard_sigmoid"),
            layers.ELU(0.7),
            layers.Dense(4, activation="selu"),
            layers.ThresholdedReLU(0.1),
            layers.Dense(3),
            layers.Activation("softmax"),
        ]
    )


def trained(keras: Any) -> Any:
    """After two steps of training, so that the optimizer has a state to save."""
    model = dense(keras)
    scatter(model)
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    for _ in range(2):
        model.train_on_batch(numbers(5), np.eye(3)[np.arange(ROWS) % 3])
    return model


def image(data_format: str) -> Any:
    return (2, 9, 8) if data_format == "channels_first" else (9, 8, 2)


def convolution(keras: Any, data_format: str, for_theano: bool = False) -> Any:
    """Kernels that are alike in no direction: rows and columns swapped or turned would show.

    Theano pads even kernels in a way of its own, and transposed ones not at all.
    """
    padding, columns = ("valid", 3) if for_theano else ("same", 2)
    layers = keras.layers
    axis = 1 if data_format == "channels_first" else -1
    ordered = {"data_format": data_format}
    return keras.models.Sequential(
        [
            layers.Conv2D(
                3, (3, columns), padding="same", input_shape=image(data_format), **ordered
            ),
            layers.BatchNormalization(axis=axis),
            layers.Activation("relu"),
            layers.ZeroPadding2D(((1, 0), (2, 1)), **ordered),
            layers.Conv2D(4, (2, 3), strides=(2, 1), activation="tanh", **ordered),
            layers.MaxPooling2D(2, **ordered),
            layers.UpSampling2D(2, **ordered),
            layers.Conv2DTranspose(3, (3, 2), strides=(2, 2), padding=padding, **ordered),
            layers.SpatialDropout2D(0.2, **ordered),
            layers.Cropping2D(((1, 0), (0, 2)), **ordered),
            layers.AveragePooling2D((2, 3), **ordered),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )


def edges(keras: Any, data_format: str) -> Any:
    """Padded, with an even kernel and with steps: Theano adds the odd row before the image."""
    ordered = {"data_format": data_format, "padding": "same"}
    return keras.models.Sequential(
        [
            keras.layers.Conv2D(2, (2, 4), input_shape=image(data_format), **ordered),
            keras.layers.Conv2D(2, (3, 3), strides=(2, 2), **ordered),
            keras.layers.Flatten(),
        ]
    )


def separable(keras: Any, depthwise: bool) -> Any:
    layers = keras.layers
    model = keras.models.Sequential()
    separate = layers.SeparableConv2D(
        4, (3, 2), depth_multiplier=2, activation="relu", input_shape=(9, 8, 2)
    )
    model.add(separate)
    if depthwise:
        model.add(layers.DepthwiseConv2D((2, 3), depth_multiplier=2))
        if hasattr(layers, "ReLU"):
            model.add(layers.ReLU(max_value=6.0))
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(2, activation="sigmoid"))
    return model


def signal(keras: Any) -> Any:
    layers = keras.layers
    return keras.models.Sequential(
        [
            layers.Conv1D(4, 3, input_shape=(12, 3), padding="causal", dilation_rate=2),
            layers.Activation("relu"),
            layers.MaxPooling1D(2),
            layers.ZeroPadding1D(1),
            layers.Conv1D(3, 2, strides=2, activation="softplus"),
            layers.SpatialDropout1D(0.2),
            layers.GlobalMaxPooling1D(),
            layers.Dense(2),
        ]
    )


def volume(keras: Any) -> Any:
    layers = keras.layers
    return keras.models.Sequential(
        [
            layers.Conv3D(2, (3, 2, 2), input_shape=(5, 6, 4, 2), activation="relu"),
            layers.MaxPooling3D((1, 2, 1)),
            layers.ZeroPadding3D((1, 0, 1)),
            layers.AveragePooling3D((2, 1, 2)),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )


def recurrent(keras: Any) -> Any:
    """No activation is named: the defaults of the time are hard_sigmoid up to Keras 2.2."""
    layers = keras.layers
    return keras.models.Sequential(
        [
            layers.LSTM(5, input_shape=(6, 3), return_sequences=True),
            layers.GRU(4, return_sequences=True),
            layers.TimeDistributed(layers.Dense(3, activation="tanh")),
            layers.SimpleRNN(3, go_backwards=True, return_sequences=True),
            layers.Flatten(),
            layers.RepeatVector(2),
            layers.Permute((2, 1)),
            layers.Reshape((36,)),
            layers.Dense(3),
        ]
    )


def gates(keras: Any, reset_after: bool) -> Any:
    layers = keras.layers
    recurrent = layers.GRU(4, reset_after=reset_after, recurrent_activation="hard_sigmoid",
                           return_sequences=True)  # fmt: skip
    return keras.models.Sequential(
        [
            layers.Masking(0.0, input_shape=(6, 3)),
            layers.Bidirectional(recurrent, merge_mode="ave"),
            layers.LSTM(3, unit_forget_bias=False, implementation=2),
        ]
    )


def text(keras: Any) -> Any:
    layers = keras.layers
    return keras.models.Sequential(
        [
            layers.Embedding(20, 4, input_length=7, mask_zero=True),
            layers.Bidirectional(layers.LSTM(3, return_sequences=True), merge_mode="concat"),
            layers.Bidirectional(layers.GRU(3), merge_mode="sum"),
            layers.Dense(2, activation="softmax"),
        ]
    )


def merges(keras: Any) -> Any:
    """Two inputs, a layer used twice, every merging layer, two outputs."""
    layers = keras.layers
    first = layers.Input((4,), name="first")
    second = layers.Input((4,), name="second")
    shared = layers.Dense(3, activation="tanh", name="shared")
    pair = [shared(first), shared(second)]
    joined = [
        layers.Add()(pair),
        layers.Multiply()(pair),
        layers.Average()(pair),
        layers.Maximum()(pair),
        layers.Concatenate(axis=-1)(pair),
        layers.Dot(axes=1, normalize=True)(pair),
    ]
    everything = layers.concatenate(joined)
    score = layers.Dense(1, name="score")(everything)
    kind = layers.Dense(3, activation="softmax", name="kind")(everything)
    return keras.models.Model([first, second], [kind, score])


def nested(keras: Any) -> Any:
    """A functional model that holds a Sequential that holds a functional model."""
    layers, models = keras.layers, keras.models
    inner_input = layers.Input((4,))
    inner = models.Model(inner_input, layers.Dense(3, activation="tanh")(inner_input))
    body = models.Sequential(
        [layers.Dense(4, input_shape=(5,), activation="relu"), layers.BatchNormalization(), inner]
    )
    left, right = layers.Input((5,)), layers.Input((5,))
    joined = layers.subtract([body(left), body(right)])
    return models.Model([left, right], layers.Dense(2)(joined))


def convolution_over_time(keras: Any) -> Any:
    layers = keras.layers
    return keras.models.Sequential(
        [
            layers.ConvLSTM2D(2, (2, 3), input_shape=(3, 5, 6, 2), return_sequences=True),
            layers.TimeDistributed(layers.Conv2D(2, 2)),
            layers.TimeDistributed(layers.Flatten()),
            layers.GlobalAveragePooling1D(),
            layers.Dense(2),
        ]
    )


def local(keras: Any) -> Any:
    """A layer that Keras 3 no longer has."""
    layers = keras.layers
    return keras.models.Sequential(
        [layers.LocallyConnected1D(2, 3, input_shape=(6, 2)), layers.Flatten(), layers.Dense(2)]
    )
