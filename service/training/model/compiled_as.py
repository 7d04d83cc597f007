"""Decide how a model is compiled: by the request, else by the version's file, else by its task."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from service.base.strict_json import Json
from service.recipe.compiling import Compile, Named
from service.recipe.keras_names import CHOSEN_BY_LOSS, LOSSES, METRICS, OPTIMIZERS, find
from service.training.model.label_form import Labels
from service.training.model.told_by_file import Told

Origin = Literal["request", "file", "task", "default"]
Says = Callable[[str], None]

DEFAULT_OPTIMIZER = "RMSprop"  # as `model.compile` has it
CHOSEN = frozenset(CHOSEN_BY_LOSS.values())
# Losses of class indices and of one-hot rows that are the same: the first for the second.
ONE_HOT = {
    "SparseCategoricalCrossentropy": "CategoricalCrossentropy",
    "SparseCategoricalAccuracy": "CategoricalAccuracy",
    "SparseTopKCategoricalAccuracy": "TopKCategoricalAccuracy",
}
ONLY_SPARSE = frozenset({"ignore_class", "from_sorted_ids"})


@dataclass(frozen=True, slots=True)
class CompiledAs:
    """What `model.compile` is told, and where each comes from. `is_one_hot`: the labels go in as
    one-hot rows. `notes` are for people.
    """

    optimizer: Named
    optimizer_from: Origin
    loss: Named
    loss_from: Origin
    metrics: tuple[Named, ...]
    metrics_from: Origin
    is_one_hot: bool = False
    is_own_optimizer: bool = False
    notes: tuple[str, ...] = ()

    def as_json(self) -> Json:
        """A plain record for the job's report; the state is told by whoever restores it."""
        return {
            "optimizer": _told(self.optimizer, self.optimizer_from),
            "loss": _told(self.loss, self.loss_from),
            "metrics": [_told(metric, self.metrics_from) for metric in self.metrics],
            "labels": "one-hot" if self.is_one_hot else "as they are",
            "notes": list(self.notes),
        }


def decide(
    asked: Compile, told: Told, labels: Labels, known: Callable[[str], bool]
) -> CompiledAs | str:
    """What to compile with, or why the request can't be had.

    `told` is empty where the file has no say. `known` tells whether the operator has registered a
    loss or metric that isn't Keras' own.
    """
    notes = list(told.notes)
    loss, loss_from = asked.loss, "request"
    if loss is not None and (why := labels.misfit(loss.class_name)):
        return f"the loss {loss.class_name} {why}"
    for metric in asked.metrics or ():
        if why := labels.misfit(metric.class_name):
            return f"the metric {metric.class_name} {why}"
    if loss is None:
        loss, loss_from = _loss_of_file(told, labels, known, notes.append), "file"
    if loss is None:
        loss, loss_from = labels.loss(), "task"
    metrics, metrics_from = _metrics(asked, told, labels, known, notes.append)
    optimizer, optimizer_from = _optimizer(asked, told, notes.append)
    decided = CompiledAs(
        optimizer,
        optimizer_from,
        loss,
        loss_from,  # type: ignore[arg-type]
        tuple(map(labels.spelt_out, metrics)),
        metrics_from,
        is_own_optimizer=told.optimizer is not None
        and optimizer.class_name == told.optimizer.class_name,
    )
    return _in_one_form(decided, labels, notes)


def _loss_of_file(
    told: Told, labels: Labels, known: Callable[[str], bool], say: Says
) -> Named | None:
    loss = told.loss
    if loss is None:
        return None
    if find(loss.class_name, LOSSES) is None:
        if known(loss.class_name):
            return loss
        say(f"the file's loss {loss.class_name} is none of Keras' and isn't registered")
        return None
    why = labels.misfit(loss.class_name)
    if why:
        say(f"the file's loss {loss.class_name} {why}")
        return None
    return loss


def _metrics(
    asked: Compile, told: Told, labels: Labels, known: Callable[[str], bool], say: Says
) -> tuple[tuple[Named, ...], Origin]:
    if asked.metrics is not None:
        return asked.metrics, "request"
    kept = []
    for metric in told.metrics:
        name = metric.class_name
        is_ours = name in CHOSEN or find(name, METRICS) is not None
        if not is_ours and not known(name):
            say(f"the file's metric {name} is none of Keras' and isn't registered")
        elif why := labels.misfit(name):
            say(f"the file's metric {name} {why}")
        else:
            kept.append(metric)
    return (tuple(kept), "file") if kept else (labels.metrics(), "task")


def _optimizer(asked: Compile, told: Told, say: Says) -> tuple[Named, Origin]:
    """The learning rate of the request goes over that of the optimizer, whoever names it."""
    origin: Origin = "request"
    optimizer = asked.optimizer
    if optimizer is None and told.optimizer is not None:
        optimizer, origin = told.optimizer, "file"
        if find(optimizer.class_name, OPTIMIZERS) is None:
            say(f"the file's optimizer {optimizer.class_name} is none of Keras 3")
            optimizer = None
    if optimizer is None:
        optimizer, origin = Named(class_name=DEFAULT_OPTIMIZER), "default"
    if asked.learning_rate is not None:
        config = {**optimizer.config, "learning_rate": asked.learning_rate}
        optimizer = Named(class_name=optimizer.class_name, config=config)
    return optimizer, origin


def _in_one_form(decided: CompiledAs, labels: Labels, notes: list[str]) -> CompiledAs:
    """Classes as indices or as one-hot rows: whichever loss and metrics all understand."""
    if not labels.are_classes_of_many:
        return replace(decided, notes=tuple(notes))
    wanting = [
        named.class_name
        for named in (decided.loss, *decided.metrics)
        if named.class_name not in ONE_HOT and named.class_name not in CHOSEN
    ]
    if not wanting:
        return replace(decided, notes=tuple(notes))
    loss = _for_one_hot(decided.loss)
    if loss != decided.loss:
        notes.append(f"labels are one-hot, as {wanting[0]} wants them: {loss.class_name}")
    metrics = tuple(map(_for_one_hot, decided.metrics))
    return replace(decided, loss=loss, metrics=metrics, is_one_hot=True, notes=tuple(notes))


def _for_one_hot(named: Named) -> Named:
    if named.class_name not in ONE_HOT:
        return named
    config = {key: value for key, value in named.config.items() if key not in ONLY_SPARSE}
    return Named(class_name=ONE_HOT[named.class_name], config=config)


def _told(named: Named, origin: Origin) -> Json:
    return {"class_name": named.class_name, "config": dict(named.config), "from": origin}
