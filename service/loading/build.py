"""Build the Keras 3 model of an inspected version; called in a child process only."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
from keras.src.saving import saving_lib

import service.loading.legacy_layers
import service.loading.time_distributed  # noqa: F401  (mends what Keras 3.15 gets wrong)
from service.base.load_options import LoadOptions
from service.base.refusals import ModelUnsupported
from service.loading.building import Built, refusing, weight_options, weights_file
from service.loading.custom import name_custom
from service.loading.inspected import Inspection
from service.loading.upgrade.model import Upgraded, upgrade
from service.loading.upgrade.theano import backend_for
from service.loading.vouched import with_lambdas
from service.loading.weights.assignment import WeightsReport, load_weights

NO_INPUTS = (
    "the file says nowhere what shape the model's input has; a model class of one's own is served "
    "from what model.export(FOLDER) writes, a SavedModel"
)


@dataclass(frozen=True, slots=True)
class Assembled:
    """A model as its architecture says, its weights still fresh; `upgraded` tells how it came."""

    model: keras.Model
    upgraded: Upgraded


def build(
    inspection: Inspection,
    files: Mapping[str, Path],
    options: LoadOptions,
    objects: Mapping[str, Any],
    allow_lambda: bool = False,
) -> Built:
    """The model with its weights. `objects` are the operator's custom classes by name.

    Raises ModelUnsupported when Keras can't build it, WeightsMismatch when the weights don't fit.
    """
    assembled = assemble(inspection, options, objects, allow_lambda)
    report = fill(assembled, inspection, files, options)
    upgraded = assembled.upgraded
    rules = [*inspection.rules, *upgraded.rules]
    notes = (*rules, *upgraded.notes, *report.sentences())
    return Built(assembled.model, notes, upgraded.renamed)


def assemble(
    inspection: Inspection,
    options: LoadOptions,
    objects: Mapping[str, Any],
    allow_lambda: bool = False,
) -> Assembled:
    """The model without its weights. Raises ModelUnsupported."""
    name = inspection.architecture_file
    if allow_lambda:
        inspection = replace(inspection, config=with_lambdas(inspection.config))
    upgraded = _upgraded(inspection, options)
    needed = {*inspection.custom_classes, *(objects if options.custom_only else ())}
    config = name_custom(upgraded.config, objects, needed)
    with refusing(name), keras.saving.custom_object_scope(dict(objects)):
        model = keras.saving.deserialize_keras_object(config, safe_mode=not allow_lambda)
    if not getattr(model, "inputs", None):
        raise ModelUnsupported(name, NO_INPUTS)
    return Assembled(model, upgraded)


def fill(
    assembled: Assembled, inspection: Inspection, files: Mapping[str, Path], options: LoadOptions
) -> WeightsReport:
    """Give the model its weights and vocabularies. Raises WeightsMismatch, ModelUnsupported."""
    model, name = assembled.model, inspection.architecture_file
    told = weight_options(inspection, options, assembled.upgraded.dim_ordering)
    with weights_file(inspection, files) as (path, assets):
        report = load_weights(model, path, inspection.weights_file, told)
        if assets is not None:
            with refusing(name):  # vocabularies, at the paths at which Keras keeps its layers
                saving_lib._load_state(
                    model, None, saving_lib.DiskIOStore(str(assets), mode="r"), ""
                )
    _check_input_shape(model, inspection)
    return report


def _upgraded(inspection: Inspection, options: LoadOptions) -> Upgraded:
    backend = backend_for(inspection.backend, options.theano_kernels)
    try:
        upgraded = upgrade(inspection.config, inspection.keras_version, backend)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ModelUnsupported(
            inspection.architecture_file, f"its configuration is not understood: {error}"
        ) from error
    for key in ("keras_version", "backend"):
        upgraded.config.pop(key, None)
    return upgraded


def _check_input_shape(model: keras.Model, inspection: Inspection) -> None:
    """The silent error of Keras 2 files: a model built with a dimension too many."""
    declared = list(inspection.inputs.values())
    built = [list(tensor.shape) for tensor in model.inputs]
    if declared and len(built) == 1 and len(declared[0]) != len(built[0]):
        raise ModelUnsupported(
            inspection.architecture_file,
            f"the file declares inputs of shape {declared[0]}, but {built[0]} was built",
        )
