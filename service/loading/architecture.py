"""What follows from an architecture alone: its era, what it names, how large it is."""

from dataclasses import replace
from typing import Any

from service.base.refusals import FileBroken
from service.loading.allow_list.allowed import MODELS
from service.loading.allow_list.hazards import scan_architecture, scan_training
from service.loading.inspected import Inspection, LayerSummary
from service.loading.sizes.budget import Budget, exceed
from service.loading.sizes.shapes import measure
from service.loading.training_config import summarise
from service.loading.upgrade.dropout import in_training_mode, without_monte_carlo
from service.loading.upgrade.era import era_of
from service.loading.upgrade.multi_gpu import unwrap_multi_gpu

MOST_COUNTED_TWICE = 4
FEW_WEIGHTS = 10_000


def examine(found: Inspection, training: Any, has_state: bool) -> Inspection:
    """The inspection with all that its configurations tell. Raises FileBroken for what is none."""
    found = replace(
        found,
        config=without_training(found.config),
        era=era_of(found.config, found.keras_version),
        training=summarise(training, has_state),
    )
    class_name, settings = found.config.get("class_name"), found.config.get("config")
    if not isinstance(class_name, str) or not isinstance(settings, dict | list):
        raise FileBroken(found.architecture_file, "the JSON is no Keras architecture")
    inner = unwrap_multi_gpu(found.config)
    if inner is not None:
        found = replace(found, config=inner, rules=("multi_gpu",))
    config, was_random = without_monte_carlo(found.config)
    if was_random:
        found = replace(found, config=config, rules=(*found.rules, "dropout_off"))
    if found.config["class_name"] not in MODELS:
        return replace(found, custom_classes=(class_name,))
    return _measured(_scanned(found, training))


def _scanned(found: Inspection, training: Any) -> Inspection:
    architecture, fitting = scan_architecture(found.config), scan_training(training)
    return replace(
        found,
        lambdas=architecture.lambdas + fitting.lambdas,
        hazards=architecture.hazards + fitting.hazards,
        custom_classes=architecture.custom,
        odd_arguments=architecture.odd_arguments,
    )


def _measured(found: Inspection) -> Inspection:
    sizes = measure(found.config)
    shapes = {name: list(shape) for name, shape in sizes.inputs}
    return replace(
        found,
        layers=tuple(
            LayerSummary(
                layer.name[:128],
                layer.kind[:128],
                None if layer.output_shape is None else list(layer.output_shape),
                layer.parameters,
            )
            for layer in sizes.layers
        ),
        inputs=shapes,
        outputs={name: None if shape is None else list(shape) for name, shape in sizes.outputs},
        largest_activation=sizes.largest_activation,
        faults=(*sizes.faults, *_too_few_weights(sizes.parameters, found.parameters)),
        unsupported=(*exceed(sizes, Budget()), *in_training_mode(found.config)),
    )


def _too_few_weights(needed: int, stored: int) -> list[str]:
    """A fault where the configuration asks for far more than the file holds.

    Only a bomb does: what is shared may be counted several times, and the weights are held against
    the layers one by one when they are loaded.
    """
    if needed <= MOST_COUNTED_TWICE * stored + FEW_WEIGHTS:
        return []
    return [f"its layers need {needed:,} numbers of weights, but the file holds {stored:,}"]


def without_training(config: Any) -> Any:
    """A configuration without how it and the models in it were compiled: serving needs none."""
    if isinstance(config, dict):
        kept = {key: value for key, value in config.items() if key != "compile_config"}
        return {key: without_training(value) for key, value in kept.items()}
    if isinstance(config, list):
        return [without_training(value) for value in config]
    return config
