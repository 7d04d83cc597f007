"""How far a fit is, kept between its callbacks, and told to whoever watches the job."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import keras

from service.base.strict_json import Json
from service.training.fit.batches import Batches
from service.training.fit.epoch_record import EVERY_EPOCH, EpochRecord, finite, seconds_left, short

TELL_EVERY_S = 1.0
DIGITS = 3


class Working(Protocol):
    """The attempt that a fit is part of."""

    @property
    def folder(self) -> Path: ...

    @property
    def is_stopped(self) -> bool: ...

    def check(self) -> None: ...

    def progress(self, **fields: Any) -> None: ...

    def event(self, kind: str, **body: Any) -> object: ...

    def saved(self) -> None: ...


@dataclass(slots=True)
class FitState:
    """What is known so far; the callbacks of a fit share it, and backups keep it."""

    epochs: int
    history: list[EpochRecord] = field(default_factory=list)
    stopped_by: str = ""
    stopped_why: str = ""
    resumed_at: list[int] = field(default_factory=list)

    @property
    def done(self) -> int:
        """How many epochs are over."""
        return len(self.history)

    @property
    def first(self) -> int:
        """The epoch to begin with, from 0; behind the last one when nothing is left to do."""
        return self.epochs if self.stopped_by else self.done

    def as_json(self) -> Json:
        """A plain record, for a backup."""
        return {
            "history": [record.as_json() for record in self.history],
            "stopped_by": self.stopped_by,
            "stopped_why": self.stopped_why,
            "resumed_at": list(self.resumed_at),
        }

    def resume(self, record: Mapping[str, Any]) -> None:
        """Go on from a backup."""
        self.history = [EpochRecord.from_json(item) for item in record["history"]]
        self.stopped_by, self.stopped_why = record["stopped_by"], record["stopped_why"]
        self.resumed_at = [*record["resumed_at"], self.done + 1]


class Judges(Protocol):
    """What the callbacks of a fit have to say of it."""

    def best_epoch(self, history: Sequence[EpochRecord]) -> int: ...

    def why_stopped(self) -> str: ...


class Turn(keras.callbacks.Callback):
    """Goes before all others: the order of the rows, whether an epoch may be told, and the learning
    rate among its logs.
    """

    def __init__(self, batches: Batches, seed: int | None, check: Callable[[], None]) -> None:
        super().__init__()
        self._batches, self._seed, self._check = batches, seed, check

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Have the rows in the order of this epoch."""
        if self._seed is not None:
            self._batches.shuffle(self._seed, epoch)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Before files are told of the epoch, for another attempt may be telling it; and before
        ReduceLROnPlateau changes the rate for the next one.
        """
        self._check()
        logs["learning_rate"] = rate_of(self.model.optimizer)


class Watch(keras.callbacks.Callback):
    """Tells how far it is, an event an epoch, and ends at the next batch when the job shall end."""

    def __init__(
        self, state: FitState, attempt: Working, batches: int, judges: Judges,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        super().__init__()
        self._state, self._attempt, self._batches = state, attempt, batches
        self._judges, self._clock = judges, clock
        self._told_at = self._began_at = clock()
        self._epoch = state.done + 1
        self._not_finite_at: int | None = None
        self._validated: dict[str, float | None] = {}
        for record in state.history:
            self._note_validation(record.metrics)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch, self._began_at = epoch + 1, self._clock()
        self._go_on()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Cancelled jobs end here. Who stops the fit within an epoch is TerminateOnNaN."""
        self._go_on()
        if self.model.stop_training and self._not_finite_at is None:
            self._not_finite_at = batch + 1
        now = self._clock()
        if now - self._told_at >= TELL_EVERY_S:
            self._told_at = now
            share = min((batch + 1) / self._batches, 1.0)
            left = seconds_left(
                self._state.history, self._state.epochs, now - self._began_at, share
            )
            self._tell(batch + 1, finite(logs or {}), left)

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        self._go_on()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Record the epoch, say why it is the last if it is, and tell it."""
        state = self._state
        metrics = finite(logs or {})
        rate = metrics.pop("learning_rate", None) or 0.0
        took = round(self._clock() - self._began_at, DIGITS)
        state.history.append(EpochRecord(epoch + 1, metrics, rate, took))
        self._note_validation(metrics)
        self._judge_end()
        left = 0.0 if state.stopped_by else seconds_left(state.history, state.epochs, 0.0, 0.0)
        told = {**state.history[-1].as_json(), "epochs": state.epochs, "eta_s": round(left, 1)}
        self._attempt.event("epoch", **told)
        self._tell(self._batches, metrics, left)

    def _judge_end(self) -> None:
        state = self._state
        if self.model.stop_training and self._not_finite_at is not None:
            state.stopped_by = "TerminateOnNaN"
            state.stopped_why = (
                f"the loss was no finite number in epoch {state.done}, batch {self._not_finite_at}"
            )
        elif self.model.stop_training:
            state.stopped_by, state.stopped_why = "EarlyStopping", self._judges.why_stopped()
        elif state.done >= state.epochs:
            state.stopped_by = EVERY_EPOCH
            state.stopped_why = f"all {state.epochs} epochs that were asked for were run"

    def _note_validation(self, metrics: Mapping[str, float | None]) -> None:
        found = {name: value for name, value in metrics.items() if name.startswith("val_")}
        self._validated = found or self._validated

    def _go_on(self) -> None:
        if self._attempt.is_stopped:
            self._attempt.check()

    def _tell(self, batch: int, metrics: Mapping[str, float | None], left: float) -> None:
        """With the validation of the last epoch that had one: there is none within an epoch."""
        state = self._state
        self._attempt.progress(
            epoch=self._epoch,
            epochs=state.epochs,
            batch=batch,
            batches=self._batches,
            metrics={**self._validated, **metrics},
            learning_rate=rate_of(self.model.optimizer),
            eta_s=round(left, 1),
            best_epoch=self._judges.best_epoch(state.history) if state.history else None,
            stopped_by=state.stopped_by,
            stopped_why=state.stopped_why,
        )


def rate_of(optimizer: Any) -> float:
    """The learning rate as it is now."""
    return short(float(keras.ops.convert_to_tensor(optimizer.learning_rate)))
