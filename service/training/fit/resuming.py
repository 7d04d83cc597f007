"""BackupAndRestore for everything: variables, seeds, optimizer, and what callbacks remember.

Keras' own keeps weights and the number of the epoch; a fit that goes on from those ends elsewhere.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras.src.random.seed_generator import global_seed_generator

from service.base.strict_json import Json
from service.training.fit.backup import Backups, Saved
from service.training.fit.callbacks import LOGS, TABLE, Asked
from service.training.fit.progress import FitState, Working

# What each callback remembers from epoch to epoch, by Keras' own names.
REMEMBERED = {
    "EarlyStopping": ("wait", "stopped_epoch", "best", "best_epoch"),
    "ReduceLROnPlateau": ("wait", "cooldown_counter", "best"),
    "Checkpoint": (
        "best", "best_epoch", "best_file", "_batches_seen_since_last_saving", "_last_batch_seen",
    ),
    "EventFiles": ("_global_train_batch", "_global_test_batch", "_previous_epoch_iterations"),
    "CSVLogger": ("keys",),
}  # fmt: skip


class Resuming(keras.callbacks.Callback):
    """Goes after all others: keeps the fit at the end of each epoch, and what they remember.

    `restore` is called before the fit, while the callbacks are given back what they remember when
    it begins: Keras' forget everything then.
    """

    def __init__(self, backups: Backups, state: FitState, asked: Asked, attempt: Working) -> None:
        super().__init__()
        self._backups, self._state, self._asked, self._attempt = backups, state, asked, attempt
        self._remembered: list[Json] = []
        self._best: list[np.ndarray] | None = None

    def restore(self, model: Any) -> None:
        """Go on from the last backup, if there is one that fits the model."""
        saved = self._backups.latest()
        _cut_all(self._attempt.folder, {} if saved is None else saved.state["bytes"])
        variables = _variables(model)
        if saved is None or not _is_of(saved, variables):
            return
        for variable, value in zip(variables, saved.variables, strict=True):
            variable.assign(value)
        self._state.resume(saved.state["fit"])
        self._remembered, self._best = saved.state["callbacks"], saved.best
        if self._asked.csv_logger is not None:
            self._asked.csv_logger.append = True
        self._attempt.event(
            "resumed", epoch=self._state.done + 1, epochs=self._state.epochs, done=self._state.done
        )

    def on_train_begin(self, logs: Any = None) -> None:
        """Give the callbacks back what they remember."""
        for callback, record in zip(self._asked.every, self._remembered, strict=False):
            for name, value in record.items():
                setattr(callback, name, value)
        if self._best is not None and self._asked.early_stopping is not None:
            self._asked.early_stopping.best_weights = self._best

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Keep the fit as it is now."""
        best = getattr(self._asked.early_stopping, "best_weights", None)
        state = {
            "fit": self._state.as_json(),
            "callbacks": [_remembered(callback) for callback in self._asked.every],
            "bytes": {
                str(path.relative_to(self._attempt.folder)): path.stat().st_size
                for path in _written(self._attempt.folder)
            },
        }
        values = [variable.numpy() for variable in _variables(self.model)]
        self._backups.keep(self._state.done, state, values, best, best is not self._best)
        self._best = best
        self._attempt.saved()


def _variables(model: Any) -> list[Any]:
    """All that a fit changes, in an order that is the same in every process."""
    generator = global_seed_generator()  # of layers that draw without one of their own
    every = [*model.variables, *model.optimizer.variables, generator.state]
    return list({id(variable): variable for variable in every}.values())


def _is_of(saved: Saved, variables: Sequence[Any]) -> bool:
    shapes = [tuple(variable.shape) for variable in variables]
    return shapes == [value.shape for value in saved.variables]


def _remembered(callback: Any) -> Json:
    names = REMEMBERED.get(type(callback).__name__, ())
    return {name: _plain(getattr(callback, name)) for name in names if hasattr(callback, name)}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str | list):
        return value
    return float(keras.ops.convert_to_tensor(value))


def _written(folder: Path) -> list[Path]:
    """The files that grow from epoch to epoch."""
    events = (folder / LOGS).rglob("events.out.tfevents.*")
    return [path for path in (folder / TABLE, *events) if path.is_file()]


def _cut_all(folder: Path, sizes: Mapping[str, int]) -> None:
    """Take away what was written after the backup: those epochs are run again."""
    for path in _written(folder):
        size = sizes.get(str(path.relative_to(folder)), 0)
        if not size:
            path.unlink()
        elif path.stat().st_size > size:
            with path.open("r+b") as stream:
                stream.truncate(size)
