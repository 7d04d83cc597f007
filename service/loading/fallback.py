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

ENGINE = "tf_keras"


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


def prepare_engine() -> None:
    """Let `keras` mean tf_keras in this process; called before anything imports it."""
    sys.meta_path.insert(0, _KerasIsTfKeras())


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

    from service.loading.building import Built, refusing, weight_options, weights_file
    from service.loading.weights import load_weights

    name = inspection.architecture_file
    with refusing(name), tf_keras.utils.custom_object_scope(dict(objects)):
        model = tf_keras.models.model_from_json(json.dumps(inspection.config), dict(objects))
        if not model.built and inspection.inputs:
            model.build(next(iter(inspection.inputs.values())))
    if not model.inputs:
        raise ModelUnsupported(name, "the file says nowhere what shape the model's input has")
    told = weight_options(inspection, options, "")
    with weights_file(inspection, files) as (path, _):
        report = load_weights(model, path, inspection.weights_file, told)
    return Built(model, (*inspection.rules, *report.sentences()))
