"""Keras' callbacks out of a recipe, in the order in which they have to be called."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from service.base.job_errors import TrainingFailed
from service.recipe.callbacks import Callbacks, TensorBoardArguments
from service.recipe.checkpoint_path import CheckpointPath, normalise_all
from service.recipe.schedule import rate_at
from service.training.fit.checkpoints import Checkpoint
from service.training.fit.epoch_record import EpochRecord, least
from service.training.fit.event_files import EventFiles
from service.training.fit.progress import rate_of

CHECKPOINTS, LOGS, TABLE = "checkpoints", "logs", "train.csv"


@dataclass(frozen=True, slots=True)
class Asked:
    """The callbacks that a request asks for. `own_rate` is the learning rate before them, if one
    of them changes it; `notes` say what of the request was changed.
    """

    every: Sequence[Any]
    checkpoints: Sequence[Checkpoint]
    early_stopping: Any
    csv_logger: Any
    own_rate: float | None
    notes: Sequence[str]

    def best_epoch(self, history: Sequence[EpochRecord]) -> int:
        """From 1: the one that the callbacks found best, else the one with the least loss."""
        early = self.early_stopping
        if early is not None and early.best is not None and math.isfinite(float(early.best)):
            return int(early.best_epoch) + 1
        best = (each.best_epoch + 1 for each in self.checkpoints if each.save_best_only)
        return next(best, 0) or least(history)

    def why_stopped(self) -> str:
        """Why EarlyStopping has stopped the fit, in a sentence."""
        callback = self.early_stopping
        if callback is None:
            return "a callback has stopped it"
        return (
            f"{callback.monitor} didn't get better for {callback.wait} epochs; "
            f"it was best in epoch {callback.best_epoch + 1}"
        )


def checkpoint_paths(asked: Callbacks) -> list[CheckpointPath]:
    """Where each ModelCheckpoint keeps what it keeps, below the job's checkpoints."""
    return normalise_all((each.filepath, each.save_weights_only) for each in asked.ModelCheckpoint)


def make_callbacks(
    asked: Callbacks, optimizer: Any, epochs: int, folder: Path, check: Callable[[], None]
) -> Asked:
    """Those that the request asks for, for a fit of so many epochs in a job's folder.

    TensorBoard and CSVLogger go before those that change the learning rate at an epoch's end, so
    that they tell the one that it was run with.
    """
    paths = checkpoint_paths(asked)
    checkpoints = [
        Checkpoint(each, folder / CHECKPOINTS / path.pattern, check)
        for each, path in zip(asked.ModelCheckpoint, paths, strict=True)
    ]
    csv_logger = _csv_logger(asked, folder)
    early_stopping = _early_stopping(asked)
    every = [
        _terminate_on_nan(asked),
        _scheduler(asked, optimizer, epochs),
        None if asked.TensorBoard is None else EventFiles(asked.TensorBoard, folder / LOGS),
        csv_logger,
        *checkpoints,
        _reduce_on_plateau(asked, optimizer),
        early_stopping,
    ]
    return Asked(
        [callback for callback in every if callback is not None],
        checkpoints,
        early_stopping,
        csv_logger,
        rate_of(optimizer) if asked.LearningRateScheduler or asked.ReduceLROnPlateau else None,
        _notes(asked, paths),
    )


def _notes(asked: Callbacks, paths: Sequence[CheckpointPath]) -> list[str]:
    notes = [f"ModelCheckpoint: {path.change}" for path in paths if path.change]
    if asked.TensorBoard is not None and asked.TensorBoard.log_dir.rstrip("/") != LOGS:
        notes.append(f"TensorBoard: its files are in the job's {LOGS}")
    if asked.CSVLogger is not None and asked.CSVLogger.filename != TABLE:
        notes.append(f"CSVLogger: its file is the job's {TABLE}")
    board, backup = asked.TensorBoard or TensorBoardArguments(), asked.BackupAndRestore
    idle = {
        "TensorBoard: profile_batch": str(board.profile_batch) != "0",
        "TensorBoard: embeddings_freq": board.embeddings_freq > 0,
        "BackupAndRestore: save_freq": backup.save_freq != "epoch",
    }
    return notes + [f"{name} has no effect" for name, is_said in idle.items() if is_said]


def _terminate_on_nan(asked: Callbacks) -> Any:
    if asked.TerminateOnNaN is None:
        return None
    return keras.callbacks.TerminateOnNaN(raise_error=asked.TerminateOnNaN.raise_error)


def _scheduler(asked: Callbacks, optimizer: Any, epochs: int) -> Any:
    if asked.LearningRateScheduler is None:
        return None
    _check_settable(optimizer, "LearningRateScheduler")
    schedule, own = asked.LearningRateScheduler.schedule, rate_of(optimizer)
    return keras.callbacks.LearningRateScheduler(
        lambda epoch, _rate: rate_at(schedule, epoch, own, epochs),
        verbose=asked.LearningRateScheduler.verbose,
    )


def _reduce_on_plateau(asked: Callbacks, optimizer: Any) -> Any:
    wanted = asked.ReduceLROnPlateau
    if wanted is None:
        return None
    _check_settable(optimizer, "ReduceLROnPlateau")
    return keras.callbacks.ReduceLROnPlateau(
        monitor=wanted.watched,
        factor=wanted.factor,
        patience=wanted.patience,
        verbose=wanted.verbose,
        mode=wanted.mode,
        min_delta=wanted.min_delta,
        cooldown=wanted.cooldown,
        min_lr=wanted.min_lr,
    )


def _early_stopping(asked: Callbacks) -> Any:
    wanted = asked.EarlyStopping
    if wanted is None:
        return None
    return keras.callbacks.EarlyStopping(
        monitor=wanted.watched,
        min_delta=wanted.min_delta,
        patience=wanted.patience,
        verbose=wanted.verbose,
        mode=wanted.mode,
        baseline=wanted.baseline,
        restore_best_weights=wanted.restore_best_weights,
        start_from_epoch=wanted.start_from_epoch,
    )


def _csv_logger(asked: Callbacks, folder: Path) -> Any:
    wanted = asked.CSVLogger
    if wanted is None:
        return None
    return keras.callbacks.CSVLogger(str(folder / TABLE), wanted.separator, wanted.append)


def _check_settable(optimizer: Any, name: str) -> None:
    """An optimizer that was saved with a schedule of its own takes no rate from outside."""
    if isinstance(
        getattr(optimizer, "_learning_rate", None),
        keras.optimizers.schedules.LearningRateSchedule,
    ):
        raise TrainingFailed(
            f"{name} can't set the learning rate: the file's optimizer has a schedule of its own; "
            "give compile.optimizer or compile.learning_rate"
        )
