"""Writes model files of both Keras eras, good and bad, with what Keras answers for them.

    python -m tests.make_models FOLDER

Run as a process of its own: it imports TensorFlow, Keras 3 and Keras 2.
"""

import sys
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import tf_keras

ROWS = 5


def main(folder: Path) -> None:
    """Write all of them."""
    keras.utils.set_random_seed(7)
    _write_keras3(folder)
    _write_keras2(folder)
    write_text(folder)
    _write_bad(folder)


def _write_keras3(folder: Path) -> None:
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((12,)), layers.Dense(16, "relu"), layers.Dense(4, "softmax")]
    )
    model.save(folder / "keras3.h5")
    _save_answers(folder / "keras3.npz", model, np.random.default_rng(1).normal(size=(ROWS, 12)))


def _write_keras2(folder: Path) -> None:
    layers = tf_keras.layers
    model = tf_keras.Sequential(
        [
            layers.LSTM(6, input_shape=(9, 3), recurrent_activation="hard_sigmoid"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.save(folder / "keras2.h5")
    _save_answers(folder / "keras2.npz", model, np.random.default_rng(2).normal(size=(ROWS, 9, 3)))


def write_text(folder: Path) -> None:
    layers = keras.layers
    words = layers.TextVectorization(vocabulary=["good", "bad", "film"], output_sequence_length=4)
    model = keras.Sequential(
        [keras.Input((1,), dtype="string"), words, layers.Embedding(8, 4), layers.Flatten(),
         layers.Dense(2, "softmax")]
    )  # fmt: skip
    model.save(folder / "text.keras")


def _write_bad(folder: Path) -> None:
    whole = (folder / "keras3.h5").read_bytes()
    (folder / "truncated.h5").write_bytes(whole[: len(whole) // 2])
    layers = keras.layers
    other = keras.Sequential([keras.Input((5,)), layers.Dense(2), layers.Dense(2)])
    (folder / "misfit.json").write_text(other.to_json())
    keras.Sequential([keras.Input((5,)), layers.Dense(3)]).save_weights(
        folder / "misfit.weights.h5"
    )
    marker = folder / "lambda-has-run"
    code = tf_keras.Sequential([layers_lambda(marker), tf_keras.layers.Dense(1)])
    code.build((None, 2))
    code.save(folder / "lambda.h5")
    marker.unlink(missing_ok=True)


def layers_lambda(marker: Path) -> Any:
    """A Lambda layer that leaves a file behind when its code runs."""
    path = str(marker)

    def leave_mark(x: Any, path: str = path) -> Any:
        open(path, "w").close()
        return x

    return tf_keras.layers.Lambda(leave_mark, input_shape=(2,))


def _save_answers(path: Path, model: Any, rows: np.ndarray) -> None:
    rows = rows.astype("float32")
    np.savez(path, rows=rows, answers=np.asarray(model(rows)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    with h5py.File(Path(sys.argv[1]) / "lambda.h5") as file:
        assert b"Lambda" in str(file.attrs["model_config"]).encode()
