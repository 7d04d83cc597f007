"""The fallback engine: tf_keras builds what Keras 3 can't, in a child process of its own.

It gets the configuration only, after the same scan has passed, and never a file: its loader for
`.h5` would run a Lambda's bytecode whatever it is told. In this process `import keras` means
tf_keras too, so that the operator's custom classes of either kind belong to the model's Keras.
"""

import importlib
import importlib.abc
import importlib.machinery
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from service.base.load_options import LoadOptions
from service.base.refusals import ModelUnsupported
from service.loading.inspected import Inspection
from service.loading.upgrade.era import parse_era
from service.loading.upgrade.mending import Mending
from service.loading.upgrade.theano import backend_for, why_not_tensorflow

ENGINE = "tf_keras"
HOMES_OF_MODELS = frozenset(
    f"tf_keras.src.engine.{name}" for name in ("functional", "sequential", "training")
)
NAMED_HOMES = frozenset(
    "module registered_name shared_object_id build_config compile_config".split()
)


class _KerasIsTfKeras(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answers `import keras.…` with the module of the same name in tf_keras."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """A spec for `keras` and what is below it; nothing else is ours."""
        if fullname.split(".")[0] != "keras":
            return None
        return importlib.machinery.ModuleSpec(fullname, self)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """The module of tf_keras itself, so that both names hold the same classes."""
        return importlib.import_module(f"tf_{spec.name}")

    def exec_module(self, module: ModuleType) -> None:
        """Nothing: it has been executed."""


class _NothingImported:
    """In the place of `importlib` where tf_keras deserializes: a configuration imports nothing."""

    def import_module(self, name: str) -> ModuleType:
        """The homes of models, which tf_keras names itself; else raises ModuleNotFoundError."""
        if name not in HOMES_OF_MODELS:
            raise ModuleNotFoundError(f"a configuration may not import {name}")
        return importlib.import_module(name)


def prepare_engine() -> None:
    """Let `keras` mean tf_keras in this process; called before anything imports it."""
    sys.meta_path.insert(0, _KerasIsTfKeras())


def bare(config: Any) -> Any:
    """The configuration by bare class names, as Keras 2 first had it.

    tf_keras imports the modules that a configuration names; without them it knows its own classes
    and the operator's, and no others.
    """
    if isinstance(config, list):
        return [bare(item) for item in config]
    if not isinstance(config, dict):
        return config
    if "class_name" not in config:
        return {key: bare(item) for key, item in config.items()}
    if config["class_name"] == "function":
        return config.get("config")
    return {key: bare(item) for key, item in config.items() if key not in NAMED_HOMES}


def build_legacy(
    inspection: Inspection,
    files: Mapping[str, Path],
    options: LoadOptions,
    objects: Mapping[str, Any],
) -> Any:
    """The model with its weights, as `build.Built`.

    Raises ModelUnsupported, WeightsMismatch.
    """
    import tf_keras
    from tf_keras.src.saving import serialization_lib

    from service.loading.building import Built, refusing, weight_options, weights_file
    from service.loading.weights.assignment import load_weights

    serialization_lib.importlib = _NothingImported()
    name = inspection.architecture_file
    backend = backend_for(inspection.backend, options.theano_kernels)
    reason = why_not_tensorflow(
        inspection.config, Mending(parse_era(inspection.keras_version), backend=backend)
    )
    if reason:  # tf_keras would pad as TensorFlow does, and answer wrong numbers
        raise ModelUnsupported(name, reason)
    with refusing(name), tf_keras.utils.custom_object_scope(dict(objects)):
        model = tf_keras.models.model_from_json(json.dumps(bare(inspection.config)), dict(objects))
        if not model.built and inspection.inputs:
            model.build(next(iter(inspection.inputs.values())))
    if not model.inputs:
        raise ModelUnsupported(name, "the file says nowhere what shape the model's input has")
    told = weight_options(inspection, options, "")
    with weights_file(inspection, files) as (path, assets):
        if assets is not None:
            raise ModelUnsupported(name, "its vocabularies are files, which only Keras 3 takes in")
        report = load_weights(model, path, inspection.weights_file, told)
    return Built(model, (*inspection.rules, *report.sentences()))
