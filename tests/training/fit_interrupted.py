"""Fits that are stopped, or killed, at random batches and go on, beside those that are not."""

import os
import random
import signal
from functools import partial
from pathlib import Path

import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from service.base.job_errors import Cancelled
from service.base.strict_json import Json
from service.training.model.prepared import Prepared
from tests.training.fit_world import (
    Attempt,
    data,
    dense,
    numbers,
    recurrent,
    request,
    run,
    sequences,
    told,
)

EVERYTHING = {
    "EarlyStopping": {"patience": 3, "restore_best_weights": True},
    "ReduceLROnPlateau": {"patience": 1, "factor": 0.5, "min_delta": 0.01},
    "ModelCheckpoint": {"filepath": "run/cp.ckpt", "save_best_only": True},
    "CSVLogger": True,
    "TensorBoard": {"update_freq": 1},
}
SCHEDULED = {
    "LearningRateScheduler": {"schedule": {"kind": "cosine", "warmup_epochs": 2}},
    "ModelCheckpoint": {"filepath": "{epoch}.ckpt", "save_weights_only": True, "save_freq": 3},
}
LONG = {"epochs": 14}
STOPS = {"dense": 5, "recurrent": 2}


def overfitting() -> Prepared:
    """A model that gets worse again after some epochs."""
    return dense(rate=0.2)


def resumed(folder: Path) -> Json:
    """Each kind of model, once without a break and a few times with two."""
    worlds = {
        "dense": (overfitting, data(numbers(48), numbers(48, 9)), request(EVERYTHING, fit=LONG)),
        "recurrent": (recurrent, data(sequences()), request(SCHEDULED)),
    }
    result: Json = {}
    draw = random.Random(11)
    for name, (make, rows, asked) in worlds.items():
        attempt = Attempt(folder / name / "whole")
        whole = {**told(run(make(), rows, asked, attempt), attempt), **written(attempt.folder)}
        broken = []
        for number in range(STOPS[name]):
            place = folder / name / str(number)
            stops = sorted(draw.randrange(1, attempt.questions) for _ in range(2))
            for stop in (stops[0], stops[1] - stops[0] + 1):
                try:
                    run(make(), rows, asked, Attempt(place, stop))
                except Cancelled:
                    continue
            last = Attempt(place)
            fitted = run(make(), rows, asked, last)
            broken.append({**told(fitted, last), **written(place), "stops": stops})
        result[name] = {"whole": whole, "broken": broken}
    return result


def killed(folder: Path, kill_at: int) -> Json:
    """The first of them, in a process of its own that is killed at a batch; not killed at 0."""
    kill = partial(os.kill, os.getpid(), signal.SIGKILL) if kill_at else None
    attempt = Attempt(folder, kill_at or None, kill)
    rows, asked = data(numbers(48), numbers(48, 9)), request(EVERYTHING, fit=LONG)
    fitted = run(overfitting(), rows, asked, attempt)
    return {**told(fitted, attempt), **written(folder)}


def written(folder: Path) -> Json:
    """What the files of a job say of its epochs."""
    table = folder / "train.csv"
    return {
        "csv": table.read_text() if table.exists() else "",
        "tensorboard": scalars(folder, "train", "epoch_loss"),
        "validated": scalars(folder, "validation", "epoch_loss"),
    }


def scalars(folder: Path, part: str, tag: str) -> list[list[float]]:
    """Step and value of everything that TensorBoard's own reader finds under a tag."""
    every = {"tensors": 0}  # not a sample of ten
    reader = EventAccumulator(str(folder / "logs" / part), size_guidance=every)
    reader.Reload()
    events = reader.Tensors(tag)
    return [[event.step, float(tf.make_ndarray(event.tensor_proto))] for event in events]
