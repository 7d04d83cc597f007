"""Keras' ModelCheckpoint, for a job that may be interrupted: files that are whole, or not there."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from service.base.aside import aside
from service.base.http_errors import StorageFull
from service.recipe.callbacks import ModelCheckpointArguments
from service.training.disk import is_disk_full
from service.training.fit.keras_files import save_model, save_weights


class Checkpoint(keras.callbacks.ModelCheckpoint):
    """Writes aside and renames, after `check` has allowed it.

    An epoch that wasn't validated is never the best, while Keras would keep it. `best_epoch`, from
    0, and `best_file` are those of the last that was the best; -1 before the first.
    """

    def __init__(
        self, asked: ModelCheckpointArguments, path: Path, check: Callable[[], None]
    ) -> None:
        super().__init__(
            str(path),
            monitor=asked.watched,
            verbose=asked.verbose,
            save_best_only=asked.save_best_only,
            save_weights_only=asked.save_weights_only,
            mode=asked.mode,
            save_freq=asked.save_freq,
            initial_value_threshold=asked.initial_value_threshold,
        )
        self._check = check
        self.best_epoch = -1
        self.best_file = ""

    def _save_model(self, epoch: int, batch: int | None, logs: Any) -> None:
        """What Keras calls when the time has come, by epochs or by batches."""
        logs = logs or {}
        if self.save_best_only and self.monitor not in logs:
            return
        if self.monitor_op is None:
            self._set_monitor_op()
        target = Path(self._get_file_path(epoch, batch, logs))
        if not self._should_save_model(epoch, batch, logs, str(target)):
            return
        self._check()
        try:
            with aside(target) as partial:
                target.parent.mkdir(parents=True, exist_ok=True)
                write = save_weights if self.save_weights_only else save_model
                write(self.model, partial)
                self._check()
                os.replace(partial, target)
        except Exception as error:
            if is_disk_full(error):
                raise StorageFull(
                    f"There is no room in the jobs' folder for the checkpoint {target.name} of "
                    f"epoch {epoch + 1}"
                ) from error
            raise
        self.best_epoch, self.best_file = epoch, target.name
