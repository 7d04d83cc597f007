"""Fit a prepared model with Keras' own `fit`: deterministic, watched, and going on after a kill."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from service.base.errors import KerasdError
from service.base.http_errors import StorageFull
from service.base.job_errors import TrainingFailed
from service.loading.tracing.keras_graph import input_structure
from service.recipe.class_weights import class_weights
from service.recipe.retrain import RetrainRequest
from service.training.data.rows import TrainingData
from service.training.disk import is_disk_full, is_memory_short
from service.training.fit.backup import Backups
from service.training.fit.batches import Batches, Encode, Pack
from service.training.fit.callbacks import CHECKPOINTS, checkpoint_paths, make_callbacks
from service.training.fit.epoch_record import Fitted
from service.training.fit.monitored import check_names
from service.training.fit.progress import FitState, Turn, Watch, Working
from service.training.fit.resuming import Resuming
from service.training.model.prepared import Prepared

BACKUP = "backup"
MAX_WHY = 400
BOLD = re.compile(r"\x1b\[[0-9;]*m")
# What Keras and TensorFlow raise when data, model and request don't go together.
FOREIGN = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    RuntimeError,
    MemoryError,
    tf.errors.OpError,
)


def fit(
    prepared: Prepared, data: TrainingData, request: RetrainRequest, attempt: Working
) -> Fitted:
    """Train the model, from the first epoch or from the last that an earlier attempt has kept.

    Raises TrainingFailed and StorageFull for what another attempt would meet too, Superseded and
    Cancelled as the attempt does.
    """
    keras.utils.set_random_seed(request.fit.seed)
    # Else models with attention end elsewhere each time; no model took measurably longer.
    tf.config.experimental.enable_op_determinism()
    with _worded():
        return _Fit(prepared, data, request, attempt).run()


class _Fit:
    """One fit, put together."""

    def __init__(
        self, prepared: Prepared, data: TrainingData, request: RetrainRequest, attempt: Working
    ) -> None:
        self._model, self._attempt = prepared.model, attempt
        self._asked_fit = request.fit
        pack, encode = _pack(prepared.model), _encode(prepared)
        size = request.fit.batch_size
        self._train = Batches(data.train, size, pack, encode)
        self._train.weigh(data.train, _weights(request, data))
        self._validation = (
            Batches(data.validation, request.fit.validation_batch_size or size, pack, encode)
            if len(data.validation)
            else None
        )
        self._state = FitState(request.fit.epochs)
        optimizer = _built_optimizer(self._model)
        self._asked = make_callbacks(
            request.callbacks, optimizer, request.fit.epochs, attempt.folder, attempt.check
        )
        known = self._metric_names()
        check_names(request.callbacks, checkpoint_paths(request.callbacks), known)

    def run(self) -> Fitted:
        backups = Backups(self._attempt.folder / BACKUP, self._attempt.check)
        resuming = Resuming(backups, self._state, self._asked, self._attempt)
        resuming.restore(self._model)
        asked = self._asked_fit
        turn = Turn(self._train, asked.seed if asked.shuffle else None, self._attempt.check)
        watch = Watch(self._state, self._attempt, len(self._train), self._asked)
        self._model.fit(
            self._train.dataset(),
            epochs=asked.epochs,
            initial_epoch=self._state.first,
            validation_data=None if self._validation is None else self._validation.dataset(),
            validation_freq=asked.validation_freq,
            callbacks=[turn, *self._asked.every, watch, resuming],
            shuffle=False,  # that is done: by a generator of Keras', no two attempts would agree
            verbose=0,
        )
        weights_epoch = self._take_best()
        if self._asked.own_rate is not None:  # the next retrain begins with it, not with the last
            self._model.optimizer.learning_rate = self._asked.own_rate
        self._check_finite()
        return Fitted(
            model=self._model,
            history=tuple(self._state.history),
            best_epoch=self._asked.best_epoch(self._state.history),
            weights_epoch=weights_epoch,
            stopped_by=self._state.stopped_by,
            stopped_why=self._state.stopped_why,
            epochs_run=self._state.done,
            resumed_at=tuple(self._state.resumed_at),
            notes=tuple(self._asked.notes),
        )

    def _take_best(self) -> int:
        """Give the model the weights of the best checkpoint, and say of which epoch they are.

        EarlyStopping has restored its own by now, if it was to; then they stay.
        """
        early = self._asked.early_stopping
        if early is not None and early.restore_best_weights and early.best_weights is not None:
            return int(early.best_epoch) + 1
        for checkpoint in self._asked.checkpoints:
            if checkpoint.save_best_only and checkpoint.best_file:
                path = self._attempt.folder / CHECKPOINTS / checkpoint.best_file
                self._model.load_weights(str(path))
                return checkpoint.best_epoch + 1
        return self._state.done

    def _check_finite(self) -> None:
        weights = self._model.get_weights()
        if all(np.isfinite(value).all() for value in weights if value.dtype.kind == "f"):
            return
        why = self._state.stopped_why or "the weights are no finite numbers"
        raise TrainingFailed(
            f"Training has come to nothing: {why}. Lower compile.learning_rate, give the optimizer "
            "a clipnorm, or scale the inputs; EarlyStopping with restore_best_weights keeps the "
            "epochs before"
        )

    def _metric_names(self) -> set[str]:
        """All that the logs of an epoch will have, found out with one batch; nothing is learned."""
        names = set(self._model.test_on_batch(*self._train.first(), return_dict=True))
        self._model.reset_metrics()
        for callback in self._asked.every:
            if hasattr(callback, "_set_monitor_op"):  # raises where it can't tell what is better
                callback.set_model(self._model)
                if callback.monitor.removeprefix("val_") in names:
                    callback._set_monitor_op()
        validated = {f"val_{name}" for name in names} if self._validation is not None else set()
        return names | validated | {"learning_rate"}


def _weights(request: RetrainRequest, data: TrainingData) -> list[float] | None:
    asked = request.class_weight
    if asked is None:
        return None
    if data.train.labels.ndim > 1:
        raise TrainingFailed("class_weight: it has no meaning where a row may have several labels")
    try:
        return class_weights(asked, data.class_names, data.facts.counts.get("train", {}))
    except ValueError as error:
        raise TrainingFailed(str(error)) from error


def _pack(model: Any) -> Pack:
    structure = input_structure(model)
    if not tf.nest.is_nested(structure):
        return lambda arrays: arrays[0]
    if isinstance(structure, list | tuple):
        return tuple
    return lambda arrays: tf.nest.pack_sequence_as(structure, arrays)


def _encode(prepared: Prepared) -> Encode:
    """Labels of a batch as the loss takes them: indices of many classes, else rows of numbers."""

    def encode(labels: np.ndarray) -> np.ndarray:
        targets = prepared.targets(labels)
        if targets.ndim == 1 and prepared.width > 1:
            return targets.astype(np.int32)
        return targets.astype(np.float32).reshape(len(targets), *(targets.shape[1:] or (1,)))

    return encode


def _built_optimizer(model: Any) -> Any:
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    return model.optimizer


@contextmanager
def _worded() -> Iterator[None]:
    """Say in a sentence what Keras or the disk refuses."""
    try:
        yield
    except KerasdError:
        raise
    except FOREIGN as error:
        if is_disk_full(error):
            raise StorageFull("There is no room in the jobs' folder for this fit") from error
        if is_memory_short(error):
            raise TrainingFailed(
                "The fit needs more memory than it may have; raise the setting job_memory_mb, or "
                "lower fit.batch_size"
            ) from error
        raise TrainingFailed(f"Keras can't train the model: {_plainly(error)}") from error


def _plainly(error: BaseException) -> str:
    """What it says, in one line, without bold letters and the arguments of every layer."""
    text = BOLD.sub("", str(error)).partition("Arguments received by")[0]
    return " ".join(text.split())[:MAX_WHY]
