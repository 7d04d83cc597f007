"""Compile a model as it was decided: Keras' own classes, or those that the operator registered."""

import inspect
from collections.abc import Mapping
from typing import Any

import keras

from service.base.refusals import TrainingRefused
from service.loading.reasons import reason_of
from service.recipe.compiling import Named
from service.recipe.keras_names import LOSSES, METRICS, OPTIMIZERS, Catalogue
from service.training.model.compiled_as import CHOSEN, CompiledAs


def compile_model(model: Any, decided: CompiledAs, objects: Mapping[str, Any], file: str) -> None:
    """Always anew: an optimizer that Keras has read from a file may be built over no variables.

    `objects` are the operator's losses and metrics by name. Raises TrainingRefused.
    """
    optimizers = _classes(keras.optimizers, OPTIMIZERS)
    losses = {**objects, **_classes(keras.losses, LOSSES)}
    metrics = {**objects, **_classes(keras.metrics, METRICS)}
    model.compile(
        optimizer=_made(decided.optimizer, optimizers, file),
        loss=_made(decided.loss, losses, file),
        metrics=[_made(metric, metrics, file) for metric in decided.metrics],
    )
    model.optimizer.build(model.trainable_variables)


def tell_optimizer(optimizer: Any) -> dict[str, Any]:
    """What it is in the end, its defaults included, as plain JSON."""
    config = optimizer.get_config()
    return {key: value for key, value in config.items() if isinstance(value, int | float | str)}


def _classes(home: Any, catalogue: Catalogue) -> dict[str, Any]:
    """What of the catalogue this Keras has; its modules hold more than classes of that kind."""
    return {name: getattr(home, name) for name in catalogue if hasattr(home, name)}


def _made(named: Named, known: Mapping[str, Any], file: str) -> Any:
    if named.class_name in CHOSEN:
        return named.class_name
    made = known.get(named.class_name)
    if inspect.isfunction(made):
        return made
    if not inspect.isclass(made):
        raise TrainingRefused(file, f"this Keras has no {named.class_name}")
    try:
        return made(**named.config)
    except Exception as error:  # an argument of the wrong kind, in whichever way a class says so
        told = ", ".join(f"{key}={value!r}" for key, value in named.config.items())
        raise TrainingRefused(
            file, f"{named.class_name}({told}) is refused by Keras: {reason_of(error)}"
        ) from error
