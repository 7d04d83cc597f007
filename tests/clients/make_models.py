"""Writes the models that real clients ask, with Keras' own answers to random batches.

    python -m tests.clients.make_models FOLDER

makes FOLDER/repository and FOLDER/answers/MODEL-ROWS.npz, whose arrays are called `in.NAME` and
`out.NAME`; where a model has two versions they are the higher one's. Run as a process of its own:
it imports TensorFlow and Keras.
"""

import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

ROWS = (1, 7, 64)
WORDS = ("good", "bad", "film", "unheard-of", "größer")
SETTINGS = {
    "half_plus_two": "task: regression\nversion_labels: {stable: 123}\n",
    "churn": "labels: [leave, stay, grow]\nversion_labels: {stable: 7}\n",
    "words": "labels: [disliked, liked]\n",
}


def main(folder: Path) -> None:
    """Write all of them."""
    keras.utils.set_random_seed(11)
    repository, answers = folder / "repository", folder / "answers"
    answers.mkdir(parents=True)
    for name, version, model in _models():
        target = repository / name / str(version)
        target.mkdir(parents=True)
        model.save(target / "model.keras")
        for rows in ROWS:
            _write_answers(answers / f"{name}-{rows}.npz", model, rows)
    for name, text in SETTINGS.items():
        (repository / name / "model.yaml").write_text(text)
    whole = (repository / "churn" / "7" / "model.keras").read_bytes()
    (repository / "cut" / "1").mkdir(parents=True)
    (repository / "cut" / "1" / "model.keras").write_bytes(whole[: len(whole) // 2])


def _models() -> list[tuple[str, int, Any]]:
    return [
        ("half_plus_two", 123, _half_plus_two()),
        ("churn", 6, _churn()),
        ("churn", 7, _churn()),
        ("plans", 1, _plans()),
        ("series", 1, _series()),
        ("words", 1, _words()),
        ("switched", 1, _churn()),
    ]


def _half_plus_two() -> Any:
    """The example of TensorFlow Serving's documents: scalars, no batch of rows."""
    x = keras.Input((), name="x")
    return keras.Model(x, layers.Rescaling(0.5, offset=2.0, name="y")(x))


def _churn() -> Any:
    x = keras.Input((2,), name="x")
    hidden = layers.Dense(8, "tanh")(x)
    return keras.Model(x, layers.Dense(3, "softmax", name="probs")(hidden))


def _plans() -> Any:
    """Two inputs of different types, two outputs."""
    age = keras.Input((1,), name="age")
    plan = keras.Input((1,), name="plan", dtype="int32")
    known = layers.Flatten()(layers.Embedding(4, 3)(plan))
    hidden = layers.Dense(6, "relu")(layers.Concatenate()([age, known]))
    outputs = [
        layers.Dense(2, "softmax", name="prob")(hidden),
        layers.Dense(1, name="cost")(hidden),
    ]
    return keras.Model([age, plan], outputs)


def _series() -> Any:
    """Sequences of any length."""
    x = keras.Input((None, 3), name="x")
    return keras.Model(x, layers.Dense(4, "softmax", name="kind")(layers.LSTM(6)(x)))


def _words() -> Any:
    """Strings, which only TensorFlow itself runs."""
    text = keras.Input((1,), name="text", dtype="string")
    known = layers.TextVectorization(vocabulary=list(WORDS[:3]), output_sequence_length=4)(text)
    hidden = layers.Flatten()(layers.Embedding(8, 4)(known))
    return keras.Model(text, layers.Dense(2, "softmax", name="liked")(hidden))


def _write_answers(path: Path, model: Any, rows: int) -> None:
    random = np.random.default_rng(rows)
    inputs = {tensor.name: _random(random, tensor, rows) for tensor in model.inputs}
    given = [keras.ops.convert_to_tensor(array) for array in inputs.values()]
    told = model(given if len(given) > 1 else given[0])
    outputs = zip(model.output_names, told if isinstance(told, list) else [told], strict=True)
    # Texts are stored with a fixed width: arrays of objects would be pickled.
    stored = {name: a.astype("U") if a.dtype == object else a for name, a in inputs.items()}
    arrays: dict[str, Any] = {f"in.{name}": array for name, array in stored.items()}
    arrays |= {f"out.{name}": np.asarray(array) for name, array in outputs}
    np.savez(path, **arrays)


def _random(random: np.random.Generator, tensor: Any, rows: int) -> np.ndarray:
    shape = [rows, *(size or random.integers(1, 40) for size in tensor.shape[1:])]
    if tensor.dtype == "string":
        return np.array([[" ".join(random.choice(WORDS, 3))] for _ in range(rows)], object)
    if tensor.dtype == "int32":
        return random.integers(0, 4, shape).astype("int32")
    return random.normal(size=shape).astype("float32")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
