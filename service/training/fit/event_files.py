"""Keras' TensorBoard, for a job that may be killed: what an epoch told is on the disk after it."""

from pathlib import Path
from typing import Any

import keras

from service.recipe.callbacks import TensorBoardArguments


class EventFiles(keras.callbacks.TensorBoard):
    """Event files below the job's logs, flushed at the end of each epoch."""

    def __init__(self, asked: TensorBoardArguments, folder: Path) -> None:
        super().__init__(
            log_dir=str(folder),
            histogram_freq=asked.histogram_freq,
            write_graph=asked.write_graph,
            write_images=asked.write_images,
            write_steps_per_second=asked.write_steps_per_second,
            update_freq=asked.update_freq,
        )

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write and flush: an attempt that goes on never tells this epoch again."""
        super().on_epoch_end(epoch, logs)
        for writer in self._writers.values():
            writer.flush()
