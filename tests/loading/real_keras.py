"""Models that both eras of Keras write, each with what that Keras itself answers.

Frameworks are imported within the functions: fast tests that look at this folder shall not pay.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ARCHITECTURE_2_4 = Path(__file__).parent / "sequential_2_4.json"


@dataclass(frozen=True)
class Sample:
    """Model files, and the answers of the Keras that wrote them; inputs in the model's order."""

    files: tuple[Path, ...]
    answer: Callable[[list[np.ndarray]], list[np.ndarray]]


def _scatter(model: Any) -> None:
    """Give every weight a value of its own: fresh ones are zeros and ones, alike when swapped."""
    random = np.random.default_rng(7)
    for variable in model.trainable_variables:
        variable.assign(random.normal(0, 0.4, variable.shape))
    for variable in model.variables:
        if "moving" in variable.name:
            variable.assign(random.uniform(0.5, 1.5, variable.shape))


def _sample(model: Any, *files: Path) -> Sample:
    def answer(inputs: list[np.ndarray]) -> list[np.ndarray]:
        outputs = model(inputs if len(inputs) > 1 else inputs[0])
        return [np.asarray(output) for output in (outputs if len(model.outputs) > 1 else [outputs])]

    return Sample(files, answer)


def _saved(model: Any, path: Path) -> Sample:
    _scatter(model)
    model.save(path)
    return _sample(model, path)


def keras_3_whole(folder: Path) -> Sample:
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(3, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(5, activation="hard_sigmoid"),  # the one of Keras 3
            layers.Dense(3, activation="softmax"),
        ]
    )
    return _saved(model, folder / "model.h5")


def keras_2_dense(folder: Path) -> Sample:
    import tf_keras
    from tf_keras import layers

    model = tf_keras.Sequential(
        [
            layers.Dense(8, input_shape=(5,)),
            layers.LeakyReLU(alpha=0.2),
            layers.BatchNormalization(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    return _saved(model, folder / "model.h5")


def keras_2_images(folder: Path) -> Sample:
    import tf_keras
    from tf_keras import layers

    model = tf_keras.Sequential(
        [
            layers.DepthwiseConv2D(3, input_shape=(8, 8, 2)),
            layers.SeparableConv2D(4, 3, activation="relu"),
            layers.Conv2DTranspose(2, 2, strides=2),
            layers.GlobalAveragePooling2D(),
        ]
    )
    return _saved(model, folder / "model.h5")


def keras_2_text(folder: Path) -> Sample:
    import tf_keras
    from tf_keras import layers

    recurrent = layers.LSTM(6, recurrent_activation="hard_sigmoid", return_sequences=True)
    model = tf_keras.Sequential(
        [
            layers.Embedding(20, 4, input_length=7),
            layers.Bidirectional(recurrent),
            layers.GRU(3, reset_after=False, recurrent_activation="hard_sigmoid"),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.build((None, 7))
    return _saved(model, folder / "model.h5")


def keras_2_functional(folder: Path) -> Sample:
    import tf_keras
    from tf_keras import layers

    first, second = tf_keras.Input((3,), name="first"), tf_keras.Input((2, 2), name="second")
    joined = layers.Concatenate()([first, layers.Flatten()(second)])
    score = layers.Dense(1, name="score")(joined)
    kind = layers.Dense(4, activation="softmax", name="kind")(joined)
    return _saved(tf_keras.Model([first, second], [kind, score]), folder / "model.h5")


def keras_2_nested(folder: Path) -> Sample:
    import tf_keras
    from tf_keras import layers

    inner = tf_keras.Sequential([tf_keras.Input((4,)), layers.Dense(3, activation="tanh")])
    inputs = tf_keras.Input((4,))
    model = tf_keras.Model(inputs, layers.Dense(2)(inner(inputs)))
    return _saved(model, folder / "model.h5")


def _model_2_4() -> Any:
    import tf_keras

    model = tf_keras.models.model_from_json(ARCHITECTURE_2_4.read_text())
    _scatter(model)
    return model


def architecture_2_4_legacy_weights(folder: Path) -> Sample:
    model = _model_2_4()
    model.save_weights(folder / "x.h5")
    return _sample(model, ARCHITECTURE_2_4, folder / "x.h5")


def architecture_2_4_modern_weights(folder: Path) -> Sample:
    import keras
    from keras import layers

    model = _model_2_4()
    modern = keras.Sequential([keras.Input((784,)), *map(layers.Dense, (32, 64, 128, 10))])
    modern.set_weights(model.get_weights())
    modern.save_weights(folder / "x.weights.h5")
    return _sample(model, ARCHITECTURE_2_4, folder / "x.weights.h5")


def architecture_2_4_renamed_weights(folder: Path) -> Sample:
    sample = architecture_2_4_modern_weights(folder)
    renamed = sample.files[1].rename(folder / "weights.hdf5")
    return Sample((ARCHITECTURE_2_4, renamed), sample.answer)


def normalization(folder: Path) -> Sample:
    import keras
    from keras import layers

    normalize = layers.Normalization()
    normalize.adapt(np.random.default_rng(0).normal([3, -2, 0.5], [2, 1, 0.1], (500, 3)))
    model = keras.Sequential([keras.Input((3,)), normalize, layers.Dense(2)])
    return _saved(model, folder / "model.keras")


def normalization_keras_2(folder: Path) -> Sample:
    import tf_keras
    from tf_keras import layers

    normalize = layers.Normalization()
    normalize.adapt(np.random.default_rng(0).normal([3, -2, 0.5], [2, 1, 0.1], (500, 3)))
    model = tf_keras.Sequential([tf_keras.Input((3,)), normalize, layers.Dense(2)])
    return _saved(model, folder / "model.h5")


def keras_2_archive(folder: Path) -> Sample:
    """What Keras 2.12 to 2.15 write as `.keras`."""
    import tf_keras
    from tf_keras import layers

    model = tf_keras.Sequential(
        [
            layers.LSTM(5, input_shape=(7, 3), recurrent_activation="hard_sigmoid"),
            layers.BatchNormalization(),
            layers.Dense(4, activation="softmax"),
        ]
    )
    return _saved(model, folder / "model.keras")


def keras_2_functional_archive(folder: Path) -> Sample:
    import tf_keras
    from tf_keras import layers

    inner = tf_keras.Sequential([layers.Dense(4, activation="relu", input_shape=(6,))])
    wide, deep = layers.Input((6,)), layers.Input((6,))
    joined = layers.concatenate([inner(wide), inner(deep)])
    return _saved(tf_keras.Model([wide, deep], layers.Dense(2)(joined)), folder / "model.keras")


def nested_compiled(folder: Path) -> Sample:
    """Transfer learning: the inner model was compiled with an optimizer of its own."""
    import keras
    from keras import layers

    inner = keras.Sequential([keras.Input((6,)), layers.Dense(4, "relu")], name="body")
    inner.compile("adam", "mse")
    outer = keras.Sequential([keras.Input((6,)), inner, layers.Dense(2, "softmax")])
    outer.compile("sgd", "categorical_crossentropy")
    return _saved(outer, folder / "model.keras")


def free_length(folder: Path) -> Sample:
    import keras
    from keras import layers

    model = keras.Sequential([keras.Input((None, 3)), layers.LSTM(5), layers.Dense(2)])
    return _saved(model, folder / "model.keras")


def several_outputs(folder: Path) -> Sample:
    import keras
    from keras import layers

    inputs = keras.Input((6, 3), name="signal")
    states = layers.GRU(4, return_sequences=True)(inputs)
    last = states[:, -1, :] * 2.0  # operations that Keras 3 records as layers
    outputs = [layers.Dense(2, name="kind", activation="softmax")(last), layers.Dense(1)(last)]
    return _saved(keras.Model(inputs, outputs), folder / "model.keras")


def texts(folder: Path) -> Sample:
    """A model that takes texts, which ONNX can't."""
    import keras
    import tensorflow as tf
    from keras import layers

    words = layers.TextVectorization(
        vocabulary=["alpha", "beta", "gamma"], output_sequence_length=4
    )
    model = keras.Sequential(
        [
            keras.Input((1,), dtype="string"),
            words,
            layers.Embedding(6, 3),
            layers.Flatten(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.save(folder / "model.keras")
    return Sample(
        (folder / "model.keras",), lambda inputs: [np.asarray(model(tf.constant(inputs[0])))]
    )


def stateful(folder: Path) -> Sample:
    """A model for one batch size only, whose answers depend on what it was asked before."""
    import tf_keras
    from tf_keras import layers

    recurrent = layers.LSTM(2, stateful=True, batch_input_shape=(1, 4, 2))
    return _saved(tf_keras.Sequential([recurrent]), folder / "model.h5")


def weights_of_another_model(folder: Path) -> Sample:
    import tf_keras
    from tf_keras import layers

    other = tf_keras.Sequential([layers.Dense(32, input_shape=(784,)), layers.Dense(10)])
    other.save_weights(folder / "x.h5")
    return _sample(other, ARCHITECTURE_2_4, folder / "x.h5")


def shapes_of_another_model(folder: Path) -> Sample:
    import keras
    from keras import layers

    other = keras.Sequential([keras.Input((20,)), *map(layers.Dense, (32, 64, 128, 10))])
    other.save_weights(folder / "x.weights.h5")
    return _sample(other, ARCHITECTURE_2_4, folder / "x.weights.h5")


def lambda_that_leaves(marker: Path, folder: Path) -> Sample:
    """A model whose code writes a file wherever it runs."""
    import tf_keras
    from tf_keras import layers

    path = str(marker)

    def leave(x: Any, path: str = path) -> Any:
        open(path, "w").close()
        return x

    model = tf_keras.Sequential([layers.Lambda(leave, input_shape=(2,)), layers.Dense(1)])
    sample = _saved(model, folder / "model.h5")
    marker.unlink()  # building the model ran the code, too
    return sample


def names_in_any_script(folder: Path) -> Sample:
    """Names that TensorFlow takes for no scope; Keras writes and reads them."""
    import keras
    from keras import layers

    inner = keras.Sequential([keras.Input((3,)), layers.Dense(2, name="größe")], name="innen é")
    inputs = keras.Input((3,), name="entrée")
    outputs = layers.Dense(2, name="出力")(inner(inputs))
    return _saved(keras.Model(inputs, outputs, name="modèle_日本"), folder / "model.keras")
