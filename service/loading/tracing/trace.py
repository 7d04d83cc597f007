"""A built Keras model as one traced TensorFlow function with a fixed signature."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import tensorflow as tf

from service.base.signature import DTYPES, Signature, Tensors, TensorSpec
from service.loading.tracing.input_ranges import masks, scales, vocabularies
from service.loading.tracing.keras_graph import (
    input_structure,
    is_a,
    is_model,
    operation_of,
    rename,
)

SCOPE = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_./>-]*")
NOTHING_RENAMED: Mapping[str, str] = MappingProxyType({})


class TracedModel:
    """The reference: the model as TensorFlow runs it, inputs and outputs by name.

    `renamed` maps names of layers to those that the signature shall show.
    """

    def __init__(self, model: Any, renamed: Mapping[str, str] = NOTHING_RENAMED) -> None:
        self.model = model
        self._renamed = {**renamed, **_with_plain_names(model)}
        _inline_constants(model)
        self._structure = input_structure(model)
        inputs = tf.nest.flatten(self._structure)
        names = [operation_of(tensor).name for tensor in inputs]
        specs = _with_values(_input_specs(inputs, names), model)
        self.tensor_specs = [tf.TensorSpec(s.shape, s.dtype, name=s.name) for s in specs]
        self.function = tf.function(self._serve, input_signature=self.tensor_specs)
        self.concrete = self.function.get_concrete_function()
        shown = tuple(replace(spec, name=self._shown(spec.name)) for spec in specs)
        self.scales = {self._shown(name): scale for name, scale in scales(model).items()}
        self.signature = Signature(shown, tuple(self._output_specs()))

    def _serve(self, *tensors: Any) -> list[Any]:
        packed = tf.nest.pack_sequence_as(self._structure, list(tensors))
        outputs: list[Any] = tf.nest.flatten(self.model(packed, training=False))
        return outputs

    def run(self, inputs: Tensors) -> list[Any]:
        """The outputs for a batch, in the signature's order."""
        tensors = [tf.constant(inputs[s.name], dtype=s.dtype) for s in self.signature.inputs]
        outputs: list[Any] = self.function(*tensors)
        return [output.numpy() for output in outputs]

    def run_fixed(self, inputs: Tensors) -> list[Any]:
        """The outputs of another trace, made for just the shapes of these inputs."""
        tensors = [tf.constant(inputs[s.name], dtype=s.dtype) for s in self.signature.inputs]
        specs = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in tensors]
        outputs: list[Any] = tf.function(self._serve, input_signature=specs)(*tensors)
        return [output.numpy() for output in outputs]

    def export(self, folder: Path) -> None:
        """Write the function and its variables as a SavedModel with one endpoint, `serve`."""
        module = tf.Module()
        module.model = self.model  # with its lookup tables and their vocabularies
        module.held = list(self.concrete.variables)  # seeds of dropout are in no layer's list
        module.serve = self.function
        tf.saved_model.save(module, str(folder))

    def _shown(self, name: str) -> str:
        return self._renamed.get(name, name)

    def _output_specs(self) -> Iterator[TensorSpec]:
        outputs = tf.nest.flatten(self.concrete.structured_outputs)
        layers = [operation_of(tensor) for tensor in self.model.outputs]
        names = _distinct([self._shown(layer.name) for layer in layers])
        for name, layer, output in zip(names, layers, outputs, strict=True):
            shape = output.shape.as_list() if output.shape.rank is not None else [None]
            activation = _activation(layer)
            yield TensorSpec(name, output.dtype.name, (None, *shape[1:]), activation=activation)


def _with_plain_names(model: Any) -> dict[str, str]:
    """Rename layers whose names TensorFlow takes for no scope (`modèle`): new name -> old one."""
    renamed = {}
    for number, layer in enumerate(model._flatten_layers()):
        if not SCOPE.fullmatch(layer.name):
            renamed[f"layer_{number}"] = layer.name
            for each in (layer, getattr(layer, "_functional", None)):  # what a Sequential runs
                if each is not None:
                    rename(each, f"layer_{number}")
    return renamed


def _inline_constants(model: Any) -> None:
    """Normalization keeps eager tensors, which a trace would take as further inputs."""
    for layer in model._flatten_layers():
        if is_a(layer, "Normalization") and hasattr(layer, "variance"):
            layer.mean, layer.variance = np.asarray(layer.mean), np.asarray(layer.variance)


def _input_specs(inputs: list[Any], names: list[str]) -> list[TensorSpec]:
    specs = []
    for tensor, name in zip(inputs, names, strict=True):
        dtype = tf.as_dtype(tensor.dtype).name
        if dtype not in DTYPES:
            raise TypeError(f"input '{name}' has the dtype {dtype}, which can't be served")
        specs.append(TensorSpec(name, dtype, (None, *tuple(tensor.shape)[1:])))
    return specs


def _with_values(specs: list[TensorSpec], model: Any) -> list[TensorSpec]:
    sizes, hidden = vocabularies(model), masks(model)
    return [
        replace(spec, vocabulary=sizes.get(spec.name), mask=hidden.get(spec.name)) for spec in specs
    ]


def _activation(layer: Any) -> str:
    """The activation that an output leaves its layer through; empty where there is none."""
    if is_a(layer, "Softmax"):
        return "softmax"
    if is_model(layer):
        return _activation(operation_of(layer.outputs[0]))
    if is_a(layer, "TimeDistributed"):
        return _activation(layer.layer)
    return getattr(getattr(layer, "activation", None), "__name__", "")


def _distinct(names: list[str]) -> list[str]:
    """Output names, numbered where one layer gives several, and never the name of another."""
    distinct: list[str] = []
    for name in names:
        free = name
        number = 0
        while free in distinct or (number and free in names):
            number += 1
            free = f"{name}_{number}"
        distinct.append(free)
    return distinct
