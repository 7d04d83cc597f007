"""Fits of small models, for `test_fitting.py`: one process of TensorFlow for all of them.

python -m tests.training.fits FOLDER              everything; writes FOLDER/told.json
python -m tests.training.fits FOLDER KILL_AT      one fit, killed at a batch if not 0
"""

import inspect
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
from service.base.job_errors import Superseded
from service.base.strict_json import Json
from service.recipe import callbacks as recipe_callbacks
from service.recipe.callbacks import Callbacks
from service.recipe.keras_names import LOSSES, METRICS, OPTIMIZERS, log_name
from service.recipe.retrain import RetrainRequest
from service.training.data.rows import Rows, TrainingData
from service.training.fit.callbacks import make_callbacks
from service.training.fit.epoch_record import EpochRecord
from service.training.fit.progress import FitState, Watch
from service.training.model.prepared import Prepared
from tests.training.fit_interrupted import killed, overfitting, resumed, scalars
from tests.training.fit_labels import labels_of_every_kind
from tests.training.fit_world import (
    Attempt,
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
    patient = {"EarlyStopping": {"patience": 2, "restore_best_weights": True}}
    borne = request({**wanted, **patient, "TerminateOnNaN": False})
    late = Attempt(folder / "borne")
    ended = told(run(plain(1, "exponential", "mse"), rows, borne, late), late)
    return {**told(kept, attempt), "lost": lost, "again": again, "borne": ended}


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
    board = {"profile_batch": "2,3"}
    callbacks = {"ModelCheckpoint": best, "CSVLogger": True, "TensorBoard": board}
    asked = request(callbacks, fit={"validation_freq": 2})
    return told(run(plain(), data(numbers()), asked, attempt), attempt)


def telling(folder: Path) -> Json:
    """What is told of 100 batches that take a tenth of a second each, and in a later epoch."""
    seconds = count(0, 1)
    first, later = Attempt(folder), Attempt(folder)
    epoch = EpochRecord(1, {"loss": 0.9, "val_loss": 0.7}, 0.05, 10.0)
    for attempt, state in ((first, FitState(2)), (later, FitState(3, [epoch]))):
        asked = make_callbacks(request().callbacks, None, 2, folder, attempt.check)
        watch = Watch(state, attempt, 100, asked, clock=lambda: next(seconds) / 10)
        watch.set_model(plain().model)
        for batch in range(100):
            watch.on_train_batch_end(batch, {"loss": 0.5})
    return {"told": first.told, "later": later.told[0]}


class Overtaken(Attempt):
    """One that another attempt has followed, and that hasn't heard of it yet."""

    def check(self) -> None:
        raise Superseded("job", 1)


def superseded(folder: Path) -> Json:
    """What it tells of an epoch at whose end it may write no more."""
    asked = request({"CSVLogger": True})
    said = refused(lambda: run(plain(), data(numbers()), asked, Overtaken(folder)))
    return {"said": said, "table": (folder / "train.csv").read_text()}


# Bases and wrappers, what takes no labels of rows, and what tells of pictures.
NOT_OFFERED = frozenset(
    "Optimizer LossScaleOptimizer MultiOptimizer Loss CTC Circle Metric Mean MeanMetricWrapper Sum "
    "Accuracy BinaryIoU IoU MeanIoU OneHotIoU OneHotMeanIoU".split()
)
BASES = {
    keras.optimizers: (OPTIMIZERS, keras.optimizers.Optimizer),
    keras.losses: (LOSSES, keras.losses.Loss),
    keras.metrics: (METRICS, keras.metrics.Metric),
}


def catalogue(_folder: Path) -> Json:
    """In what Keras and the recipe differ, and what metrics are called otherwise than it says."""
    wrong = []
    for module, (known, base) in BASES.items():
        ours = {name for name, made in vars(module).items() if is_a_kind_of(made, base)}
        for name in (ours - NOT_OFFERED) ^ known.keys():
            wrong.append(f"only one of the two has {name}")
        for name in ours & known.keys():
            wrong += differences(name, vars(module)[name], known[name])
    for name in METRICS:
        if not name.endswith(("AtRecall", "AtPrecision", "Specificity", "Sensitivity")):
            called = re.sub(r"_[0-9]+$", "", vars(keras.metrics)[name]().name)
            wrong += [] if called == log_name(name) else [f"{name} is called {called}"]
    for name, field in Callbacks.model_fields.items():
        taken = next(iter(re.findall(r"\w+Arguments", str(field.annotation))))
        recipe = frozenset(vars(recipe_callbacks)[taken].model_fields)
        wrong += differences(name, vars(keras.callbacks)[name], recipe)
    return {"wrong": wrong}


def is_a_kind_of(made: Any, base: Any) -> bool:
    return inspect.isclass(made) and issubclass(made, base)


def differences(name: str, made: Any, known: frozenset[str]) -> list[str]:
    """Arguments that only one of the two has; some have them as **kwargs alone."""
    parameters = inspect.signature(made.__init__).parameters.values()
    told = {each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD} - {"self"}
    more = known - told if not any(each.kind is each.VAR_KEYWORD for each in parameters) else set()
    return [f"{name}.{each}" for each in sorted((told - known) | more)]


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
            stopping, refusals, sometimes_validated, full_disk, telling, superseded, catalogue,
            labels_of_every_kind,
        )  # fmt: skip
        result = {each.__name__: each(folder / each.__name__) for each in scenarios}
    (folder / "told.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else None)
