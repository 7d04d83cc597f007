"""Trains the three sample models of this folder on real data that PyPI packages ship."""

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

# TensorFlow reads these once, at import: no start-up notes between the progress lines, and the
# same sums whatever instructions the processor has.
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"

import keras
import numpy as np
import tensorflow as tf
import yaml
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import train_test_split

FOLDER = Path(__file__).parent
SEED = 7
HELD_OUT_SHARE = 0.25
PROGRESS_LINES = 5
SERIES_STEPS = 100
SHORTEST_CROP = 20
SKTIME_INSTALL = "pip install --no-deps sktime==1.2.0"

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Split:
    """Rows to learn from, and rows no training ever sees; truths are indices into the labels."""

    rows: Floats
    truths: Indices
    held_rows: Floats
    held_truths: Indices


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample model: where its rows come from, how it learns, what its saved file must reach."""

    name: str
    file: str
    split: Callable[[], Split]
    train: Callable[[Split], keras.Model]
    example_count: int
    held_out_floor: float
    example_floor: float
    example_steps: int | None = None

    @property
    def version(self) -> Path:
        return FOLDER / self.name / "1"

    @property
    def labels(self) -> list[str]:
        return [str(label) for label in self._card["labels"]]

    @property
    def threshold(self) -> float:
        return float(self._card["threshold"])

    @property
    def examples(self) -> Path:
        return FOLDER / self.name / "examples.json"

    @property
    def _card(self) -> dict[str, Any]:
        return dict(yaml.safe_load((FOLDER / self.name / "model.yaml").read_text()))


def main() -> int:
    # TensorFlow's parallel sums differ from run to run unless told not to.
    tf.config.experimental.enable_op_determinism()
    for sample in SAMPLES:
        build(sample)
    # A fresh process, so that the scores are those of the files and not of what is in memory.
    checked = subprocess.run([sys.executable, FOLDER / "check_samples.py"], check=False)
    return checked.returncode


def build(sample: Sample) -> None:
    """Trains one sample and writes its version folder and its examples."""
    started = time.monotonic()
    keras.utils.set_random_seed(SEED)
    split = sample.split()
    print(f"{sample.name}: {len(split.rows)} rows to learn, {len(split.held_rows)} held out")
    save(sample.train(split), sample.version, sample.file)
    write_examples(sample, split)
    print(f"  saved {sample.version.relative_to(FOLDER)} in {time.monotonic() - started:.0f} s")


def split_breast_cancer() -> Split:
    rows, target = load_breast_cancer(return_X_y=True)
    # scikit-learn counts malignant as 0; here the one output is the probability of malignant.
    return hold_out(rows, 1 - target)


def split_digits() -> Split:
    rows, target = load_digits(return_X_y=True)
    return hold_out(rows.reshape(-1, 8, 8, 1), target)


def split_motions() -> Split:
    rows, truths = read_motions("TRAIN")
    held_rows, held_truths = read_motions("TEST")
    # The file lists class after class; taking turns lets the first rows show every class.
    turns = np.argsort(rank_in_class(held_truths), kind="stable")
    return Split(rows, truths, held_rows[turns], held_truths[turns])


def hold_out(rows: Floats, truths: Indices) -> Split:
    learn, held, learn_truths, held_truths = train_test_split(
        rows, truths, test_size=HELD_OUT_SHARE, random_state=SEED, stratify=truths
    )
    return Split(learn, learn_truths, held, held_truths)


def rank_in_class(truths: Indices) -> Indices:
    """For each row, how many rows of its class come before it."""
    return np.array([int(np.sum(truths[:i] == truth)) for i, truth in enumerate(truths)])


def read_motions(part: str) -> tuple[Floats, Indices]:
    """Reads a .ts file: a line a series, channels split by colons, the class name last."""
    labels = MOTIONS.labels
    lines = motions_file(part).read_text().splitlines()
    series = [line.split(":") for line in lines if line and line[0] not in "#@"]
    rows = [[channel.split(",") for channel in channels] for *channels, _ in series]
    truths = [labels.index(name) for *_, name in series]
    return np.array(rows, dtype=np.float64).transpose(0, 2, 1), np.array(truths)


def motions_file(part: str) -> Path:
    """Finds the data without importing sktime, whose own dependencies are not installed."""
    try:
        package = distribution("sktime")
    except PackageNotFoundError:
        sys.exit(f"the BasicMotions data comes with sktime, which is missing: {SKTIME_INSTALL}")
    path = f"sktime/datasets/data/BasicMotions/BasicMotions_{part}.ts"
    return Path(str(package.locate_file(path)))


def train_breast_cancer(split: Split) -> keras.Model:
    features = keras.Input((30,), name="features")
    standardise = keras.layers.Normalization(name="standardise")
    standardise.adapt(split.rows)
    # Cross-validated on these rows alone, a hidden layer gains nothing over plain regression.
    malignant = keras.layers.Dense(
        1, "sigmoid", kernel_regularizer=keras.regularizers.L2(0.003), name="malignant"
    )(standardise(features))
    model = keras.Model(features, malignant, name="breast_cancer")
    model.compile(keras.optimizers.Adam(0.003), "binary_crossentropy", metrics=["accuracy"])
    fit(model, split.rows, split.truths, epochs=100)
    return model


def train_digits(split: Split) -> keras.Model:
    image = keras.Input((8, 8, 1), name="image")
    flow = keras.layers.Rescaling(1 / 16, name="rescale")(image)
    flow = keras.layers.Conv2D(16, 3, padding="same", activation="relu", name="strokes")(flow)
    flow = keras.layers.MaxPooling2D(name="shrink")(flow)
    flow = keras.layers.Conv2D(32, 3, padding="same", activation="relu", name="shapes")(flow)
    flow = keras.layers.Flatten(name="flatten")(flow)
    flow = keras.layers.Dropout(0.3, seed=SEED, name="dropout")(flow)
    digit = keras.layers.Dense(10, "softmax", name="digit")(flow)
    model = keras.Model(image, digit, name="digits")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    fit(model, split.rows, split.truths, epochs=40)
    return model


def train_motions(split: Split) -> keras.Model:
    series = keras.Input((None, 6), name="series")
    standardise = keras.layers.Normalization(axis=-1, name="standardise")
    standardise.adapt(split.rows)
    memory = keras.layers.LSTM(24, name="memory")(standardise(series))
    motion = keras.layers.Dense(4, "softmax", name="motion")(memory)
    model = keras.Model(series, motion, name="motions")
    optimizer = keras.optimizers.Adam(0.005, clipnorm=1.0)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    # The explicit signature leaves the number of steps open, so that one graph serves every length.
    batches = tf.data.Dataset.from_generator(
        lambda: crops(split.rows, split.truths),
        output_signature=(
            tf.TensorSpec((None, None, 6), tf.float32),
            tf.TensorSpec((None,), tf.int64),
        ),
    )
    fit(model, batches, None, epochs=30, steps_per_epoch=20)
    return model


def crops(series: Floats, truths: Indices) -> Iterator[tuple[Floats, Indices]]:
    """Yields endless batches: every series, cut at a random place to the batch's random length."""
    random = np.random.default_rng(SEED)
    while True:
        steps = int(random.integers(SHORTEST_CROP, SERIES_STEPS, endpoint=True))
        starts = random.integers(0, SERIES_STEPS - steps, size=len(series), endpoint=True)
        cut = [one[start : start + steps] for one, start in zip(series, starts, strict=True)]
        yield np.array(cut), truths


def fit(
    model: keras.Model,
    rows: Floats | tf.data.Dataset,
    truths: Indices | None,
    epochs: int,
    steps_per_epoch: int | None = None,
) -> None:
    """Trains in silence but for a few lines of progress."""

    def tell(epoch: int, logs: dict[str, float]) -> None:
        if (epoch + 1) % (epochs // PROGRESS_LINES) == 0:
            print(
                f"  epoch {epoch + 1:3}/{epochs}"
                f"  loss {logs['loss']:.4f}  accuracy {logs['accuracy']:.4f}",
                flush=True,
            )

    model.fit(
        rows,
        truths,
        epochs=epochs,
        steps_per_epoch=steps_per_epoch,
        shuffle=steps_per_epoch is None,
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=tell)],
    )


def save(model: keras.Model, folder: Path, file: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if file == "architecture.json":
        (folder / file).write_text(model.to_json(indent=1) + "\n")
        model.save_weights(folder / "model.weights.h5")
    else:
        model.save(folder / file)


def write_examples(sample: Sample, split: Split) -> None:
    """Writes the first held-out rows as a predict body, a row a line, with their true labels."""
    rows = split.held_rows[: sample.example_count]
    if sample.example_steps:
        rows = rows[:, : sample.example_steps]
    whole = bool(np.all(rows == rows.round()))
    numbers = rows.astype(np.int64).tolist() if whole else rows.tolist()
    truths = [sample.labels[truth] for truth in split.held_truths[: sample.example_count]]
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in numbers)
    text = f'{{"instances": [\n{lines}\n],\n"labels": {json.dumps(truths)}}}\n'
    sample.examples.write_text(text)


BREAST_CANCER = Sample(
    name="breast-cancer",
    file="model.h5",
    split=split_breast_cancer,
    train=train_breast_cancer,
    example_count=143,  # the whole split: no choice of rows flatters the model
    held_out_floor=0.97,
    example_floor=0.95,
)
DIGITS = Sample(
    name="digits",
    file="architecture.json",
    split=split_digits,
    train=train_digits,
    example_count=40,
    held_out_floor=0.97,
    example_floor=0.95,
)
MOTIONS = Sample(
    name="motions",
    file="model.keras",
    split=split_motions,
    train=train_motions,
    example_count=12,
    held_out_floor=0.90,
    example_floor=0.90,
    example_steps=50,
)
SAMPLES = (BREAST_CANCER, DIGITS, MOTIONS)

if __name__ == "__main__":
    # Keras calls .h5 legacy at every save; here that is the point.
    logging.getLogger("absl").setLevel(logging.ERROR)
    sys.exit(main())
