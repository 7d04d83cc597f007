"""What is known of each epoch of a fit, and of a fit that has ended."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from service.base.strict_json import Json

EVERY_EPOCH = "epochs"


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """One epoch, counted from 1. `metrics` are Keras' logs, those of validation with `val_`; one
    that is no finite number is none. `learning_rate` is the one that the epoch was run with.
    """

    epoch: int
    metrics: Mapping[str, float | None]
    learning_rate: float
    duration_s: float

    def as_json(self) -> Json:
        """A plain record, for events and backups."""
        return {
            "epoch": self.epoch,
            "metrics": dict(self.metrics),
            "learning_rate": self.learning_rate,
            "duration_s": self.duration_s,
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "EpochRecord":
        """The reverse of `as_json`."""
        return cls(**record)


@dataclass(frozen=True, slots=True)
class Fitted:
    """What came of a fit.

    `best_epoch` is the one that the callbacks found best, else the one with the least validation
    loss. `weights_epoch` is the one whose weights the model has. `stopped_by` is `epochs`,
    `EarlyStopping` or `TerminateOnNaN`, `stopped_why` says it in a sentence. `resumed_at` has the
    epochs at which later attempts went on; `notes` say what of the request was changed.
    """

    model: Any
    history: Sequence[EpochRecord]
    best_epoch: int
    weights_epoch: int
    stopped_by: str
    stopped_why: str
    epochs_run: int
    resumed_at: Sequence[int] = ()
    notes: Sequence[str] = field(default=())

    def as_json(self) -> Json:
        """Everything but the model, for a job's result and a manifest."""
        return {
            "history": [record.as_json() for record in self.history],
            "best_epoch": self.best_epoch,
            "weights_epoch": self.weights_epoch,
            "stopped_by": self.stopped_by,
            "stopped_why": self.stopped_why,
            "epochs_run": self.epochs_run,
            "resumed_at": list(self.resumed_at),
            "notes": list(self.notes),
        }


def finite(logs: Mapping[str, Any]) -> dict[str, float | None]:
    """Keras' logs as JSON has them: NaN and infinities become none."""
    values = {name: short(value) for name, value in logs.items()}
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def short(value: Any) -> float:
    """A number of 32 bits without the digits that 64 bits add to it: 0.001, not 0.00100000005."""
    return float(str(np.float32(value)))


def least(history: Sequence[EpochRecord]) -> int:
    """The epoch with the least validation loss, or loss where there is none; 0 for no epoch."""
    for name in ("val_loss", "loss"):
        known = [
            (value, record.epoch)
            for record in history
            if (value := record.metrics.get(name)) is not None
        ]
        if known:
            return min(known)[1]
    return history[-1].epoch if history else 0


def seconds_left(
    history: Sequence[EpochRecord], epochs: int, spent_s: float, share: float
) -> float:
    """How long all epochs that were asked for will still take, by the last few of them.

    `spent_s` and `share` say how long the epoch that is being run has taken, for how much of it.
    """
    recent = [record.duration_s for record in history[-5:]]
    by_this_one = spent_s / share if share > 0 else 0.0
    an_epoch = sum(recent) / len(recent) if recent else by_this_one
    left = epochs - len(history) - share
    return max(left * an_epoch, 0.0)
