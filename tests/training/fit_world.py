"""Small real models with their rows, and an attempt that ends when it is told to."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from service.base.job_errors import Cancelled
from service.base.strict_json import Json
from service.recipe.retrain import RetrainRequest
from service.training.data.rows import DataFacts, Rows, TrainingData
from service.training.fit.epoch_record import Fitted
from service.training.fit.fitting import fit
from service.training.model.prepared import Prepared

FEATURES, STEPS, WORDS = 6, 5, 20


class Attempt:
    """Ends at the so manieth question whether it shall, as a kill at that batch would.

    `on_stop` is called then; it may kill the process for real.
    """

    def __init__(
        self, folder: Path, stop_at: int | None = None, on_stop: Callable[[], None] | None = None
    ) -> None:
        self.folder = folder
        self.events: list[tuple[str, Json]] = []
        self.told: list[Json] = []
        self.saves = self.questions = 0
        self._stop_at, self._on_stop = stop_at, on_stop

    @property
    def is_stopped(self) -> bool:
        self.questions += 1
        is_over = self._stop_at is not None and self.questions >= self._stop_at
        if is_over and self._on_stop is not None:
            self._on_stop()
        return is_over

    def check(self) -> None:
        if self._stop_at is not None and self.questions >= self._stop_at:
            raise Cancelled("job")

    def progress(self, **fields: Any) -> None:
        self.told.append(fields)

    def event(self, kind: str, **body: Any) -> None:
        self.events.append((kind, body))

    def saved(self) -> None:
        self.saves += 1


def numbers(rows: int = 96, seed: int = 1, classes: int = 2, weights: bool = False) -> Rows:
    """Rows of numbers with the index of a class that some of them tell."""
    draw = np.random.default_rng(seed)
    values = draw.normal(size=(rows, FEATURES)).astype(np.float32)
    labels = np.clip((values[:, 0] + values[:, 1]) * classes / 4 + classes / 2, 0, classes - 0.01)
    own = draw.uniform(0.5, 2, rows).astype(np.float32) if weights else None
    return Rows({"numbers": values}, labels.astype(np.int64), own)


def sequences(rows: int = 64, seed: int = 1) -> Rows:
    """Rows of words, whose class is told by the first of them."""
    draw = np.random.default_rng(seed)
    words = draw.integers(1, WORDS, (rows, STEPS)).astype(np.int32)
    return Rows({"words": words}, (words[:, 0] > WORDS // 2).astype(np.int64))


def data(train: Rows, validation: Rows | None = None, names: tuple[str, ...] = ("0", "1")) -> Any:
    """The data of a job with these rows; validated with a third of them unless told otherwise."""
    if validation is None:
        third = len(train) // 3
        inputs = {name: values[:third] for name, values in train.inputs.items()}
        validation = Rows(inputs, train.labels[:third])
    counts = {}
    if names and train.labels.ndim == 1:
        found = np.bincount(train.labels.astype(np.int64), minlength=len(names))
        counts = {"train": {name: int(found[at]) for at, name in enumerate(names)}}
    facts = DataFacts("0" * 64, len(train), {}, counts, {}, {})
    return TrainingData(train, validation, Rows({}, np.zeros(0)), facts, names)


def dense(optimizer: str = "adam", rate: float = 0.01, seed: int = 3) -> Prepared:
    """With everything that a resumed fit may forget: dropout, moving means, moments."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((FEATURES,), name="numbers"),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.4),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    made = keras.optimizers.get({"class_name": optimizer, "config": {"learning_rate": rate}})
    model.compile(made, "binary_crossentropy", metrics=["accuracy"])
    return Prepared(model, {}, 1)


def plain(width: int = 1, activation: str = "sigmoid", loss: Any = "binary_crossentropy",
          rate: float = 0.05, **more: Any) -> Prepared:  # fmt: skip
    """One layer, without anything drawn but its first weights."""
    keras.utils.set_random_seed(5)
    model = keras.Sequential(
        [keras.Input((FEATURES,)), keras.layers.Dense(width, activation=activation)]
    )
    metrics = more.pop("metrics", ["accuracy"])
    model.compile(keras.optimizers.SGD(rate), loss, metrics=metrics)
    return Prepared(model, {}, width, **more)


def recurrent() -> Prepared:
    """Words, an LSTM and a GRU with dropout inside, and an average of the weights."""
    keras.utils.set_random_seed(4)
    words = keras.Input((STEPS,), dtype="int32", name="words")
    values = keras.layers.Embedding(WORDS, 4, mask_zero=True)(words)
    values = keras.layers.LSTM(5, return_sequences=True, dropout=0.2)(values)
    values = keras.layers.GRU(5, recurrent_dropout=0.2)(values)
    model = keras.Model(words, keras.layers.Dense(1, activation="sigmoid")(values))
    optimizer = keras.optimizers.AdamW(0.02, use_ema=True, ema_overwrite_frequency=3)
    model.compile(optimizer, "binary_crossentropy", metrics=["accuracy"])
    return Prepared(model, {}, 1)


def request(callbacks: Any = None, **parts: Any) -> RetrainRequest:
    """A request for six epochs of small batches, if nothing else is asked."""
    fit_ = {"epochs": 6, "batch_size": 16, **parts.pop("fit", {})}
    return RetrainRequest.model_validate(
        {"data": {"file": "rows.csv"}, "fit": fit_, "callbacks": callbacks or {}, **parts}
    )


def run(prepared: Prepared, rows: Any, asked: RetrainRequest, attempt: Attempt) -> Fitted:
    """One attempt from its beginning, or from where the one before ended."""
    return fit(prepared, rows, asked, attempt)


def digest(model: Any) -> str:
    """Of every weight, to the last bit."""
    return hashlib.sha256(b"".join(value.tobytes() for value in model.get_weights())).hexdigest()


def told(fitted: Fitted, attempt: Attempt) -> Json:
    """What a test wants to know of a fit."""
    return {
        **fitted.as_json(),
        "digest": digest(fitted.model),
        "events": [[kind, body.get("epoch")] for kind, body in attempt.events],
        "progress": attempt.told[-1:],
        "saves": attempt.saves,
        "rates": [record.learning_rate for record in fitted.history],
        "files": sorted(
            str(path.relative_to(attempt.folder))
            for path in (attempt.folder / "checkpoints").glob("*")
        ),
    }
