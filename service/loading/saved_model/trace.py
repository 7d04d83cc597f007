"""A SavedModel that passed inspection, as one traced TensorFlow function; child processes only."""

import shutil
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from service.base.refusals import ModelUnsupported
from service.base.signature import Signature, Tensors
from service.loading.saved_model.frozen_graph import freeze, frozen_names
from service.loading.saved_model.inspection import GRAPH_FILE, SavedModelInfo
from service.loading.tracing.samples import Scales

# What TensorFlow gets to see; `debug/`, fingerprints and Keras' own files are of no use to it.
FOLDERS = ("variables/", "assets/")
ACTIVATIONS = {"Softmax": "softmax", "Sigmoid": "sigmoid", "Relu": "relu", "Tanh": "tanh"}


class TracedSavedModel:
    """The reference: one signature as TensorFlow runs it, inputs and outputs by name."""

    def __init__(self, info: SavedModelInfo, files: Mapping[str, Path]) -> None:
        """Raises ModelUnsupported when the functions aren't those that the file promises."""
        info.refuse_if_unsafe()
        # Exporting copies the assets from here; so the folder lives as long as the model.
        folder = Path(tempfile.mkdtemp(prefix="saved_model"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.model = _load(folder, info, files)
        self._served = self.model.signatures[info.signature_name]
        inputs, outputs = info.signature.inputs, info.signature.outputs
        self._inputs, self._outputs = [s.name for s in inputs], [s.name for s in outputs]
        if not info.is_object_based:
            self._inputs = frozen_names("input", len(inputs))
            self._outputs = frozen_names("output", len(outputs))
        self._check(info)
        self.tensor_specs = [tf.TensorSpec(s.shape, s.dtype, name=s.name) for s in inputs]
        self.function = tf.function(self._serve, input_signature=self.tensor_specs)
        self.concrete = self.function.get_concrete_function()
        self.scales: Scales | None = None
        self.signature = _with_activations(info.signature, self.concrete)

    def _serve(self, *tensors: Any) -> list[Any]:
        outputs = self._served(**dict(zip(self._inputs, tensors, strict=True)))
        return [outputs[name] for name in self._outputs]

    def _check(self, info: SavedModelInfo) -> None:
        """What was loaded must be what was inspected: the file holds its signatures twice."""
        inputs, outputs = (
            self._served.structured_input_signature[1],
            self._served.structured_outputs,
        )
        promised = info.signature
        for names, ends, specs in (
            (self._inputs, inputs, promised.inputs),
            (self._outputs, outputs, promised.outputs),
        ):
            if {name: end.dtype.name for name, end in ends.items()} != {
                name: spec.dtype for name, spec in zip(names, specs, strict=True)
            }:
                why = f"the function of '{info.signature_name}' isn't what the file says"
                raise ModelUnsupported(info.graph_file, why)

    def run(self, inputs: Tensors) -> list[Any]:
        """The outputs for a batch, in the signature's order."""
        tensors = [tf.constant(inputs[spec.name], dtype=spec.dtype) for spec in self.tensor_specs]
        return [output.numpy() for output in self.function(*tensors)]

    def export(self, folder: Path) -> None:
        """Write the function, its variables, tables and assets as a SavedModel with `serve`."""
        module = tf.Module()
        module.model = self.model
        module.serve = self.function
        tf.saved_model.save(module, str(folder), signatures={})


def _load(folder: Path, info: SavedModelInfo, files: Mapping[str, Path]) -> Any:
    original, frozen = folder / "original", folder / "frozen"
    _lay_out(original, info.prefix, files)
    if info.is_object_based:
        return tf.saved_model.load(str(original), tags=list(info.tags))
    freeze(original, frozen, info)
    return tf.saved_model.load(str(frozen), tags=list(info.tags))


def _lay_out(folder: Path, prefix: str, files: Mapping[str, Path]) -> None:
    """Links to the files of the SavedModel, under the names that TensorFlow looks for."""
    for name, path in files.items():
        inner = name.removeprefix(prefix)
        if name.startswith(prefix) and (inner == GRAPH_FILE or inner.startswith(FOLDERS)):
            target = folder / inner
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(path.absolute())


def _with_activations(signature: Signature, concrete: Any) -> Signature:
    """The signature with what each output leaves the graph through, where that can be told."""
    try:
        frozen = convert_variables_to_constants_v2(concrete)
    except (ValueError, KeyError, tf.errors.OpError):  # tables and the like can't be frozen
        return signature
    outputs = [
        replace(spec, activation=_activation(tensor.op))
        for spec, tensor in zip(signature.outputs, frozen.outputs, strict=True)
    ]
    return Signature(signature.inputs, tuple(outputs))


def _activation(operation: Any) -> str:
    while operation.type == "Identity":
        operation = operation.inputs[0].op
    return ACTIVATIONS.get(operation.type, "")
