"""What a file's training configuration says, of any era, in the names that a recipe has."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.base.strict_json import Json
from service.loading.upgrade.training import upgrade_training
from service.recipe.compiling import Named
from service.recipe.keras_names import CHOSEN_BY_LOSS, LOSSES, METRICS, OPTIMIZERS, Catalogue, find

MAX_METRICS = 20
MAX_TEXT = 200
WRAPPERS = frozenset({"MeanMetricWrapper", "LossFunctionWrapper"})
# What says nothing of how a model learns.
UNUSED = frozenset({"name", "dtype", "fn", "reduction"})
# How a loss may come to one number otherwise than by the mean over rows, which is what `auto` and
# `sum_over_batch_size` stand for.
REDUCTIONS = frozenset({"sum", "mean", "mean_with_sample_weight"})
USUAL = ("auto", "sum_over_batch_size")
# A metric that Keras wrote out under the name by which it was asked for.
SAID_AS = {"accuracy": "accuracy", "acc": "accuracy"}


@dataclass(frozen=True, slots=True)
class Told:
    """Nothing, or an empty tuple, where the file is silent; `notes` say what was left out.

    A class that is none of Keras' own is named as the file names it.
    """

    optimizer: Named | None = None
    loss: Named | None = None
    metrics: tuple[Named, ...] = ()
    notes: tuple[str, ...] = ()


def told_by(config: Json) -> Told:
    """What a training configuration says of optimizer, loss and metrics."""
    notes: list[str] = []
    optimizer = _optimizer(config, notes)
    upgraded = upgrade_training(config)
    losses = _flat(upgraded.get("loss"))
    metrics = _flat(upgraded.get("metrics"))
    return Told(
        optimizer,
        _loss(losses[0], notes) if len(losses) == 1 else None,
        _distinct(_metric(item) for item in metrics[:MAX_METRICS]),
        tuple(notes),
    )


def _optimizer(config: Json, notes: list[str]) -> Named | None:
    given = config.get("optimizer_config") or config.get("optimizer")
    found = _named(given, OPTIMIZERS)
    if found is None or find(found.class_name, OPTIMIZERS) is None:
        return found
    settings = _settings(given)
    if _is_above_zero(settings.get("decay")):
        notes.append(
            f"its optimizer's decay of {settings['decay']:g} is left out; "
            "a LearningRateScheduler does the same"
        )
    kept = dict(found.config)
    rate = settings.get("learning_rate", settings.get("lr"))
    first = _first_rate(rate)
    if isinstance(rate, dict):
        notes.append(
            "its schedule of learning rates is left out"
            + (f", training begins with {first:g}" if first else "")
            + "; a LearningRateScheduler does the same"
        )
    kept.pop("learning_rate", None)
    if first is not None:
        kept["learning_rate"] = first
    return Named(class_name=found.class_name, config=kept)


def _first_rate(rate: Any) -> float | None:
    """A learning rate, or the one that a schedule begins with."""
    if isinstance(rate, dict):
        settings = _settings(rate)
        values = settings.get("values")
        first = values[0] if isinstance(values, list) and values else None
        rate = settings.get("initial_learning_rate", first)
    return float(rate) if _is_above_zero(rate) else None


def _loss(item: Any, notes: list[str]) -> Named | None:
    """With its reduction, where a fit can learn from what that leaves: one number."""
    found = _named(item, LOSSES)
    reduction = _settings(item).get("reduction", USUAL[0])
    if found is None or reduction in USUAL or find(found.class_name, LOSSES) is None:
        return found
    if isinstance(reduction, str) and reduction in REDUCTIONS:
        return Named(class_name=found.class_name, config={**found.config, "reduction": reduction})
    told = str(reduction).lower()[:MAX_TEXT]
    notes.append(f"its loss's reduction {told} is left out, the mean over rows is taken")
    return found


def _metric(item: Any) -> Named | None:
    """`accuracy` where the file was asked for that, whatever class Keras made of it."""
    name = _settings(item).get("name")
    if isinstance(item, str) and item in CHOSEN_BY_LOSS:
        return Named(class_name=CHOSEN_BY_LOSS[item])
    if isinstance(name, str) and name in SAID_AS:
        return Named(class_name=SAID_AS[name])
    found = _named(item, METRICS)
    if found is None or not isinstance(name, str):
        return found
    return Named(class_name=found.class_name, config={**found.config, "name": name[:MAX_TEXT]})


def _named(item: Any, catalogue: Catalogue) -> Named | None:
    """A class with those of its settings that are plain and that Keras still has."""
    name = _name(item)
    if not name:
        return None
    known = find(name, catalogue)
    if known is None:
        return Named(class_name=name[:MAX_TEXT])
    settings = {
        key: value
        for key, value in _settings(item).items()
        if key in catalogue[known] and key not in UNUSED and _is_plain(value)
    }
    return Named(class_name=known, config=settings)


def _name(item: Any) -> str:
    """The class or function that is named, without the package that it was registered in."""
    if isinstance(item, str):
        return item.split(">")[-1]
    if not isinstance(item, Mapping):
        return ""
    class_name, inner = item.get("class_name"), item.get("config")
    if not isinstance(class_name, str):
        return ""
    if class_name == "function":
        return inner.split(">")[-1] if isinstance(inner, str) else ""
    if class_name in WRAPPERS and isinstance(inner, Mapping):
        return _name(inner.get("fn") or inner.get("name"))
    return class_name.split(">")[-1]


def _settings(item: Any) -> Json:
    inner = item.get("config") if isinstance(item, Mapping) else None
    return inner if isinstance(inner, dict) else {}


def _flat(value: Any) -> list[Any]:
    """The items of a loss or metrics that may be given by output, or in lists of lists."""
    if value is None:
        return []
    if isinstance(value, list):
        return [each for item in value for each in _flat(item)]
    if isinstance(value, dict) and "class_name" not in value:
        return [each for item in value.values() for each in _flat(item)]
    return [value]


def _distinct(metrics: Any) -> tuple[Named, ...]:
    found: list[Named] = []
    for metric in metrics:
        if metric is not None and metric not in found:
            found.append(metric)
    return tuple(found)


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) <= 1000 and all(isinstance(item, int | float) for item in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, str | int | bool)


def _is_above_zero(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 < value < 1e6
