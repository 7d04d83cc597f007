"""Models as Keras 1 wrote them, with the names, merges and weight layouts of its time.

python -m tests.eras.write.keras1 ENGINE FOLDER
"""

import sys
from typing import Any

import keras
from keras import backend, layers
from keras.layers import advanced_activations
from keras.layers.normalization import BatchNormalization
from keras.models import Model, Sequential

from tests.eras.write.record import Recorder, indices, numbers, scatter

NEW = keras.__version__ >= "1.1"  # Keras 1.0 has not all layers
PADDED = "same" if NEW else "valid"  # Theano 0.8 pads with the help of a BLAS library only


def dense() -> Any:
    return Sequential(
        [
            layers.Dense(6, input_dim=5, activation="relu", W_regularizer="l2"),
            BatchNormalization(),
            advanced_activations.LeakyReLU(0.2),
            layers.Dropout(0.3),
            layers.Dense(4, bias=False),
            advanced_activations.PReLU(),
            layers.Dense(4, activation="hard_sigmoid"),
            advanced_activations.ELU(0.7),
            advanced_activations.ThresholdedReLU(0.1),
            layers.Dense(3),
            layers.Activation("softmax"),
        ]
    )


def image(ordering: str, size: int = 9) -> Any:
    return (2, size, size) if ordering == "th" else (size, size, 2)


def convolution(ordering: str) -> Any:
    """Kernels that are alike in no direction: rows and columns swapped or turned would show."""
    axis = 1 if ordering == "th" else -1
    return Sequential(
        [
            layers.Convolution2D(
                3, 3, 3, input_shape=image(ordering), dim_ordering=ordering, border_mode=PADDED
            ),
            BatchNormalization(axis=axis),
            layers.Activation("relu"),
            layers.ZeroPadding2D((1, 1), dim_ordering=ordering),
            layers.Convolution2D(4, 2, 3, subsample=(2, 1), dim_ordering=ordering),
            layers.MaxPooling2D((2, 2), dim_ordering=ordering),
            layers.UpSampling2D((2, 2), dim_ordering=ordering),
            layers.AveragePooling2D((2, 2), strides=(1, 1), dim_ordering=ordering),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )


def edges(ordering: str) -> Any:
    """Padded, with an even kernel and with steps: Theano adds the odd row before the image."""
    padded = {"dim_ordering": ordering, "border_mode": "same"}
    return Sequential(
        [
            layers.Convolution2D(2, 2, 4, input_shape=image(ordering, 8), **padded),
            layers.Convolution2D(2, 3, 3, subsample=(2, 2), **padded),
            layers.Flatten(),
        ]
    )


def transposed(ordering: str) -> Any:
    shape = (None, 3, 15, 14) if ordering == "th" else (None, 15, 14, 3)
    return Sequential(
        [
            layers.AtrousConvolution2D(
                2, 3, 2, atrous_rate=(2, 2), input_shape=image(ordering), dim_ordering=ordering
            ),
            layers.ZeroPadding2D((1, 0), dim_ordering=ordering),
            layers.Deconvolution2D(
                3, 3, 2, shape, subsample=(2, 2), dim_ordering=ordering, activation="tanh"
            ),
            layers.Cropping2D(((1, 2), (0, 3)), dim_ordering=ordering),
            layers.GlobalAveragePooling2D(dim_ordering=ordering),
        ]
    )


def separable() -> Any:
    return Sequential(
        [
            layers.SeparableConvolution2D(
                4, 3, 2, depth_multiplier=2, input_shape=(8, 8, 2), dim_ordering="tf"
            ),
            layers.GlobalMaxPooling2D(dim_ordering="tf"),
        ]
    )


def signal() -> Any:
    return Sequential(
        [
            layers.Convolution1D(4, 3, input_shape=(12, 3), border_mode=PADDED, activation="relu"),
            layers.MaxPooling1D(2),
            layers.Convolution1D(3, 2, subsample_length=2),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )


def volume(ordering: str) -> Any:
    shape = (2, 5, 6, 4) if ordering == "th" else (5, 6, 4, 2)
    return Sequential(
        [
            layers.Convolution3D(2, 3, 2, 2, input_shape=shape, dim_ordering=ordering),
            layers.MaxPooling3D((1, 2, 1), dim_ordering=ordering),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )


def recurrent(consume_less: str) -> Any:
    """The default inner activation is the hard_sigmoid of that time, and no file says so aloud."""
    return Sequential(
        [
            layers.LSTM(5, input_shape=(6, 3), return_sequences=True, consume_less=consume_less),
            layers.GRU(4, return_sequences=True, consume_less=consume_less),
            layers.TimeDistributed(layers.Dense(3, activation="tanh")),
            layers.SimpleRNN(3, consume_less="cpu", go_backwards=True, return_sequences=True),
            layers.Flatten(),
            layers.RepeatVector(2),
            layers.Permute((2, 1)),
            layers.Reshape((36,)),
            layers.Dense(3),
        ]
    )


def text() -> Any:
    return Sequential(
        [
            layers.Embedding(20, 4, input_length=7, mask_zero=True),
            layers.Bidirectional(layers.LSTM(3, return_sequences=True), merge_mode="concat"),
            layers.Bidirectional(layers.GRU(3), merge_mode="sum"),
            layers.Dense(2, activation="softmax"),
        ]
    )


def merges() -> Any:
    """Two inputs, a layer used twice, every mode of merge, two outputs."""
    first, second = layers.Input((4,), name="first"), layers.Input((4,), name="second")
    shared = layers.Dense(3, activation="tanh", name="shared")
    pair = [shared(first), shared(second)]
    modes = ["sum", "mul", "ave", "max"]
    joined = [layers.merge(pair, mode=mode) for mode in modes]
    joined.append(layers.merge(pair, mode="concat", concat_axis=-1))
    joined.append(layers.merge(pair, mode="dot", dot_axes=1))
    everything = layers.merge(joined, mode="concat")
    score = layers.Dense(1, name="score")(everything)
    kind = layers.Dense(3, activation="softmax", name="kind")(everything)
    return Model([first, second], [kind, score])


def branches() -> Any:
    """A Merge layer that holds two Sequentials, the tutorial's way before the functional one."""
    left = Sequential([layers.Dense(3, input_dim=4, activation="relu")])
    right = Sequential([layers.Dense(3, input_dim=4)])
    model = Sequential()
    model.add(layers.Merge([left, right], mode="concat"))
    model.add(layers.Dense(2, activation="sigmoid"))
    return model


def nested() -> Any:
    body = Sequential([layers.Dense(4, input_dim=5, activation="relu")])
    if NEW:
        body.add(BatchNormalization())
    inputs = layers.Input((5,))
    return Model(inputs, layers.Dense(2)(body(inputs)))


def images(record: Recorder, whole: Any, ordering: str) -> None:
    """Theano turns kernels round, TensorFlow does not; the names of the weights tell who it was."""
    pixels = numbers(*image(ordering))
    voxels = numbers(*((2, 5, 6, 4) if ordering == "th" else (5, 6, 4, 2)))
    model = convolution(ordering)
    whole(f"conv_{ordering}", f"images, {ordering}", model, pixels)
    record.pair(f"conv_{ordering}", f"images, {ordering}, in two files", model, [pixels])
    whole(f"volume_{ordering}", f"volumes, {ordering}", volume(ordering), voxels)
    if NEW:
        purpose = f"padded with an odd row, {ordering}"
        whole(f"edges_{ordering}", purpose, edges(ordering), numbers(*image(ordering, 8)))
        purpose = f"dilated and transposed convolution, {ordering}"
        whole(f"up_{ordering}", purpose, transposed(ordering), pixels)


def main(engine: str, folder: str) -> None:
    record = Recorder(engine, folder, keras.__version__, backend.backend())

    def whole(name: str, purpose: str, model: Any, *inputs: Any) -> None:
        scatter(model)
        record.whole(name, purpose, model, inputs)

    whole("dense", "dense layers and the activations that are layers", dense(), numbers(5))
    for ordering in ("tf", "th"):
        images(record, whole, ordering)
    whole("signal", "convolution over time", signal(), numbers(12, 3))
    for mode in ("cpu", "gpu"):
        purpose = f"recurrent layers, consume_less {mode}"
        whole(f"rnn_{mode}", purpose, recurrent(mode), numbers(6, 3))
    if backend.backend() == "tensorflow":
        whole("separable", "separable convolution", separable(), numbers(8, 8, 2))
    if NEW:
        words = indices(20, 7, lowest=1)
        whole("text", "words, masked, both directions", text(), words)
    pair = (numbers(4), numbers(4)[::-1])
    whole("merges", "every merge mode, a shared layer", merges(), *pair)
    whole("branches", "a Merge of two Sequentials", branches(), *pair)
    model = nested()
    scatter(model)
    record.pair("nested", "a Sequential within a functional model", model, [numbers(5)])
    record.refused("weights", "weights without an architecture",
                   {"weights.h5": "nested_weights.h5"}, "weights only")  # fmt: skip
    record.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
