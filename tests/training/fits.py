"""Fits of small models, for `test_fitting.py`: one process of TensorFlow for all of them.

python -m tests.training.fits FOLDER              everything; writes FOLDER/told.json
python -m tests.training.fits FOLDER KILL_AT      one fit, killed at a batch if not 0
"""

import json
import re
import resource
import sys
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import keras
import numpy as np

from service.base.errors import KerasdError
from service.recipe.keras_names import LOSSES, METRICS, OPTIMIZERS, log_name
from service.recipe.retrain import RetrainRequest
from service.training.data.rows import Rows, TrainingData
from service.training.fit.progress import FitState, Watch
from service.training.model.prepared import Prepared
from tests.training.fit_interrupted import killed, overfitting, resumed, scalars
from tests.training.fit_labels import labels_of_every_kind
from tests.training.fit_world import (
    Attempt,
    Json,
    data,
    dense,
    digest,
    numbers,
    plain,
    request,
    run,
    sequences,
    told,
)


def best_checkpoint(folder: Path) -> Json:
    """The best of an overfitting model, kept in three styles beside one file an epoch."""
    result: Json = {}
    for style, weights_only in (("cp.ckpt", True), ("best.hdf5", False), ("best.keras", False)):
        place = folder / style
        best = {"filepath": style, "save_best_only": True, "save_weights_only": weights_only}
        each = {"filepath": "{epoch}.ckpt", "save_weights_only": True}
        asked = request({"ModelCheckpoint": [best, each]}, fit={"epochs": 10, "shuffle": False})
        attempt = Attempt(place)
        fitted = run(overfitting(), data(numbers(48), numbers(48, 9)), asked, attempt)
        other = overfitting().model
        other.load_weights(place / "checkpoints" / f"{fitted.weights_epoch}.weights.h5")
        result[style] = {**told(fitted, attempt), "of_that_epoch": digest(other)}
    return result


def early_stopping(folder: Path) -> Json:
    """Stopped by the validation loss, with the best epoch's weights and without."""
    result: Json = {}
    for restored in (True, False):
        wanted = {"patience": 2, "restore_best_weights": restored, "min_delta": 0.001}
        each = {"filepath": "{epoch}.ckpt", "save_weights_only": True}
        asked = request({"EarlyStopping": wanted, "ModelCheckpoint": each}, fit={"epochs": 40})
        attempt = Attempt(folder / str(restored))
        fitted = run(overfitting(), data(numbers(48), numbers(48, 9)), asked, attempt)
        other = overfitting().model
        name = f"{fitted.weights_epoch}.weights.h5"
        other.load_weights(attempt.folder / "checkpoints" / name)
        result[str(restored)] = {**told(fitted, attempt), "of_that_epoch": digest(other)}
    return result


def learning_rates(folder: Path) -> Json:
    """Every kind of schedule: in the job's events, in the table, in TensorBoard's files."""
    schedules: Json = {
        "table": {"0": 0.1, "2": 0.01, "4": 0.001},
        "step": {"kind": "step", "drop": 0.5, "epochs_drop": 2},
        "exponential": {"kind": "exponential", "initial_learning_rate": 0.2, "decay_rate": 0.5},
        "cosine": {"kind": "cosine", "warmup_epochs": 2, "alpha": 0.1},
    }
    result: Json = {}
    for name, schedule in schedules.items():
        attempt = Attempt(folder / name)
        asked = request({"LearningRateScheduler": {"schedule": schedule}, "CSVLogger": True})
        fitted = run(plain(), data(numbers()), asked, attempt)
        table = (attempt.folder / "train.csv").read_text().splitlines()
        column = table[0].split(",").index("learning_rate")
        result[name] = {
            **told(fitted, attempt),
            "table": [float(line.split(",")[column]) for line in table[1:]],
            "tensorboard": scalars(attempt.folder, "train", "epoch_learning_rate"),
            "evented": [body["learning_rate"] for _, body in attempt.events],
        }
    return result


def plateau(folder: Path) -> Json:
    wanted = {"patience": 2, "factor": 0.1, "min_delta": 0.01, "cooldown": 1, "min_lr": 0.0005}
    attempt = Attempt(folder)
    asked = request({"ReduceLROnPlateau": wanted}, fit={"epochs": 14})
    fitted = run(dense(rate=0.1), data(numbers(48), numbers(48, 9)), asked, attempt)
    rates = scalars(folder, "train", "epoch_learning_rate")
    return {**told(fitted, attempt), "tensorboard": rates}


def not_a_number(folder: Path) -> Json:
    """A rate that no model survives, from the third epoch on."""
    wanted: Json = {"LearningRateScheduler": {"schedule": {"0": 0.01, "2": 1e6}}}
    early = {"EarlyStopping": {"patience": 9, "restore_best_weights": True}}
    rows = data(numbers(), names=())
    attempt = Attempt(folder / "kept")
    kept = run(plain(1, "exponential", "mse"), rows, request({**wanted, **early}), attempt)
    asked = request(wanted)
    lost = refused(
        lambda: run(plain(1, "exponential", "mse"), rows, asked, Attempt(folder / "lost"))
    )
    again = refused(
        lambda: run(plain(1, "exponential", "mse"), rows, asked, Attempt(folder / "lost"))
    )
    return {**told(kept, attempt), "lost": lost, "again": again}


def refused(act: Callable[[], object]) -> str:
    """What it is refused with."""
    try:
        act()
    except KerasdError as error:
        return str(error)
    return "not refused"


def stopping(folder: Path) -> Json:
    """How many batches are run after it was told to end, and what it leaves."""
    attempt = Attempt(folder, stop_at=9)
    said = refused(lambda: run(dense(), data(numbers(96)), request(), attempt))
    backups = sorted(path.name for path in (folder / "backup").glob("*"))
    return {"said": said, "questions": attempt.questions, "backups": backups}


def refusals(folder: Path) -> Json:
    unvalidated = data(numbers(), Rows({}, np.zeros(0, np.int64)))
    scheduled = plain()
    scheduled.model.compile(
        keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 10)), "mse"
    )
    rows = data(numbers())
    by_rate = {"LearningRateScheduler": {"schedule": {"0": 0.1}}}
    asked: dict[str, tuple[Prepared, TrainingData, RetrainRequest]] = {
        "unknown": (plain(), rows, request({"EarlyStopping": {"monitor": "val_f1"}})),
        "direction": (plain(metrics=["accuracy", odd]), rows, request(ODD)),
        "unvalidated": (plain(), unvalidated, request({"EarlyStopping": True})),
        "path": (plain(), rows, request({"ModelCheckpoint": {"filepath": "{val_f1:.2f}.h5"}})),
        "rate": (scheduled, rows, request(by_rate)),
        "shape": (plain(), data(sequences()), request()),
        "weights": (plain(), rows, request(fit={"class_weight": {"cow": 2}})),
    }
    return {
        name: refused(partial(run, prepared, rows, wanted, Attempt(folder)))
        for name, (prepared, rows, wanted) in asked.items()
    }


ODD = {"EarlyStopping": {"monitor": "val_odd"}}


def odd(truth: Any, answer: Any) -> Any:
    """A metric of which nobody knows whether more of it is better."""
    return keras.ops.mean(keras.ops.abs(truth - answer))


def sometimes_validated(folder: Path) -> Json:
    best = {"filepath": "{epoch}.keras", "save_best_only": True}
    attempt = Attempt(folder)
    asked = request({"ModelCheckpoint": best, "CSVLogger": True}, fit={"validation_freq": 2})
    return told(run(plain(), data(numbers()), asked, attempt), attempt)


def telling(folder: Path) -> Json:
    """What is told of 100 batches that take a tenth of a second each."""
    seconds = count(0, 1)
    attempt = Attempt(folder)
    watch = Watch(FitState(2), attempt, 100, lambda: "", clock=lambda: next(seconds) / 10)
    watch.set_model(plain().model)
    for batch in range(100):
        watch.on_train_batch_end(batch, {"loss": 0.5})
    return {"told": attempt.told}


def catalogue(_folder: Path) -> Json:
    """Whether Keras has what the recipe says it has, and calls metrics what the recipe does."""
    wrong = []
    for module, known in (("optimizers", OPTIMIZERS), ("losses", LOSSES), ("metrics", METRICS)):
        for name, arguments in known.items():
            made = getattr(keras, module).__dict__.get(name)
            taken = made.__init__.__code__.co_varnames if made else ()
            wrong += [f"{name}.{each}" for each in sorted(arguments) if each not in taken]
            is_plain = not name.endswith(("AtRecall", "AtPrecision", "Specificity", "Sensitivity"))
            if module == "metrics" and is_plain:
                called = re.sub(r"_[0-9]+$", "", made().name)
                wrong += [] if called == log_name(name) else [f"{name} is called {called}"]
    return {"wrong": wrong}


def full_disk(folder: Path) -> Json:
    """No file may grow beyond a few KiB, as on a disk that is full."""
    said = {}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    cases: dict[str, tuple[Json, int]] = {"backup": ({}, 6_000)}
    for style in ("best.h5", "best.keras", "best.weights.h5"):
        weights_only = style == "best.weights.h5"
        checkpoint = {"filepath": style, "save_weights_only": weights_only}
        cases[style] = ({"ModelCheckpoint": checkpoint, "TensorBoard": False}, 9_000)
    for name, (callbacks, room) in cases.items():
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
        try:
            attempt = Attempt(folder / name)
            said[name] = refused(
                partial(run, dense(), data(numbers()), request(callbacks), attempt)
            )
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    left = [str(path.relative_to(folder)) for path in folder.glob("*/[bc]*/*")]
    return {**said, "left": left}


def main(folder: Path, kill_at: int | None) -> None:
    if kill_at is not None:
        result = killed(folder, kill_at)
    else:
        scenarios = (
            best_checkpoint, early_stopping, learning_rates, plateau, not_a_number, resumed,
            stopping, refusals, sometimes_validated, full_disk, telling, catalogue,
            labels_of_every_kind,
        )  # fmt: skip
        result = {each.__name__: each(folder / each.__name__) for each in scenarios}
    (folder / "told.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else None)
