"""Prepare a Keras model for training: inspect, build, load, freeze, give it a head, compile."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from service.base.compiled import digest_file
from service.base.refusals import TrainingRefused
from service.base.strict_json import Json
from service.loading.saved_training import SavedTraining, read_saved_training
from service.recipe.retrain import RetrainRequest
from service.training.data.rows import TrainingData
from service.training.model.beginning import Begun, begin
from service.training.model.compilation import compile_model, tell_optimizer
from service.training.model.compiled_as import CompiledAs, decide
from service.training.model.freezing import freeze, tell_frozen
from service.training.model.head import Head, last_activation, replace_head
from service.training.model.label_form import Labels, kind_of, why_not_for
from service.training.model.opening import Opened, open_source
from service.training.model.optimizer_state import NONE, in_file_order, restore
from service.training.model.prepared import Prepared
from service.training.model.told_by_file import Told, told_by
from service.training.source_version import SourceVersion

__all__ = ["Prepared", "SourceVersion", "prepare"]

OLD_HEAD = "the file's loss and metrics were those of the head that was replaced"


@dataclass(frozen=True, slots=True)
class _Work:
    """All that the steps share; `saved_over` is what the file's optimizer was built over."""

    request: RetrainRequest
    opened: Opened
    begun: Begun
    saved: SavedTraining
    saved_over: Sequence[Any]
    head: Head | None

    @property
    def file(self) -> str:
        return self.opened.inspection.architecture_file

    @property
    def model(self) -> Any:
        return self.begun.model if self.head is None else self.head.model


def prepare(request: RetrainRequest, source: SourceVersion, data: TrainingData) -> Prepared:
    """The model that the request asks for, compiled; the same seed makes the same model.

    Raises FileRefused for what can't be opened, TrainingRefused for what can't be done with it.
    """
    opened = open_source(source)
    keras.utils.set_random_seed(request.fit.seed)
    begun = begin(request.init, source, opened)
    saved_over = in_file_order(begun.model, opened.inspection.config, begun.renamed)
    _refuse_untrainable(begun.model, opened.inspection.architecture_file)
    head = _headed(request, begun, opened)
    saved = read_saved_training(opened.inspection, source.files)
    work = _Work(request, opened, begun, saved, saved_over, head)
    freeze(work.model, request.init, head and head.layer, work.file, begun.renamed)
    labels = _labels(work, data)
    decided = _decided(work, labels)
    compile_model(work.model, decided, opened.objects, work.file)
    why_not = _restored(work, decided)
    report = _report(work, source, decided, why_not)
    return Prepared(work.model, report, labels.width, decided.is_one_hot)


def _refuse_untrainable(model: Any, file: str) -> None:
    if len(model.outputs) != 1:
        names = ", ".join(str(output._keras_history.operation.name) for output in model.outputs)
        raise TrainingRefused(
            file, f"it has {len(model.outputs)} outputs ({names}); models with one are trained"
        )
    rows = model.inputs[0].shape[0]
    if rows is not None:
        raise TrainingRefused(
            file, f"it takes batches of exactly {rows} rows; save it with a free batch size"
        )


def _headed(request: RetrainRequest, begun: Begun, opened: Opened) -> Head | None:
    asked = request.init.replace_head
    if asked is None:
        return None
    return replace_head(begun.model, asked, request.fit.seed, opened.inspection.architecture_file)


def _labels(work: _Work, data: TrainingData) -> Labels:
    shape = tuple(work.model.output_shape)
    is_flat = len(shape) == 1
    width = 1 if is_flat else shape[-1]
    kind = kind_of(data.train.labels, bool(data.class_names), width)
    why = why_not_for(data.train.labels, kind, shape)
    if why:
        raise TrainingRefused(work.file, why)
    return Labels(kind, width, last_activation(work.model), is_flat)


def _decided(work: _Work, labels: Labels) -> CompiledAs:
    told = told_by(work.saved.config)
    if work.head is not None and (told.loss or told.metrics):
        told = Told(optimizer=told.optimizer, notes=(*told.notes, OLD_HEAD))
    objects = work.opened.objects
    decided = decide(work.request.compile, told, labels, objects.__contains__)
    if isinstance(decided, str):
        raise TrainingRefused(work.file, decided)
    return decided


def _restored(work: _Work, decided: CompiledAs) -> str:
    """Restore the optimizer's state; why it isn't, or nothing."""
    if work.request.init.start != "weights":
        return "the weights aren't those that it belongs to"
    if work.head is not None:
        return "the head was replaced"
    if not work.saved.arrays:
        return work.saved.fault or NONE
    if not decided.is_own_optimizer:
        return "it is that of another optimizer"
    if work.begun.was_converted:
        return "the weights were converted for Keras 3, it isn't"
    optimizer = work.model.optimizer
    if type(optimizer).__name__ != decided.optimizer.class_name:
        return f"Keras has wrapped the optimizer into {type(optimizer).__name__}"
    return restore(optimizer, work.saved_over, work.saved.arrays)


def _report(work: _Work, source: SourceVersion, decided: CompiledAs, why_not: str) -> Json:
    init, inspection = work.request.init, work.opened.inspection
    compiled = decided.as_json()
    compiled["optimizer"] |= {
        "config": tell_optimizer(work.model.optimizer),
        "state": f"not restored: {why_not}" if why_not else "restored",
    }
    return {
        "init": {
            "from": init.start,
            "model": source.model,
            "version": source.version,
            "weights_file": init.weights_file,
            "weights_sha256": digest_file(source.weights_file) if source.weights_file else "",
            "format": inspection.format,
            "era": inspection.era,
            "seed": work.request.fit.seed,
            "notes": list(work.begun.notes),
            "weights": work.begun.tell_weights(work.model, work.head and work.head.layer),
            "freeze": tell_frozen(work.model),
            "head": None if work.head is None else work.head.report,
        },
        "compile": compiled,
    }
