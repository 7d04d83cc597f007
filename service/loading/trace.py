"""A built Keras model as one traced TensorFlow function with a fixed signature."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from service.base.signature import DTYPES, Signature, Tensors, TensorSpec
from service.loading.input_ranges import scales, vocabularies


class TracedModel:
    """The reference: the model as TensorFlow runs it, inputs and outputs by name."""

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        _inline_constants(model)
        structure, inputs = _inputs(model)
        names = [tensor._keras_history.operation.name for tensor in inputs]
        specs = _with_vocabulary(_input_specs(inputs, names), model)
        self.tensor_specs = [tf.TensorSpec(s.shape, s.dtype, name=s.name) for s in specs]

        def serve(*tensors: Any) -> list[Any]:
            packed = keras.tree.pack_sequence_as(structure, list(tensors))
            outputs: list[Any] = keras.tree.flatten(model(packed, training=False))
            return outputs

        self.function = tf.function(serve, input_signature=self.tensor_specs)
        self.concrete = self.function.get_concrete_function()
        self.scales = scales(model)
        self.signature = Signature(tuple(specs), tuple(self._output_specs()))

    def run(self, inputs: Tensors) -> list[Any]:
        """The outputs for a batch, in the signature's order."""
        tensors = [tf.constant(inputs[spec.name], dtype=spec.dtype) for spec in self.tensor_specs]
        outputs: list[Any] = self.function(*tensors)
        return [output.numpy() for output in outputs]

    def _output_specs(self) -> Iterator[TensorSpec]:
        outputs = keras.tree.flatten(self.concrete.structured_outputs)
        layers = [tensor._keras_history.operation for tensor in self.model.outputs]
        names = _distinct([layer.name for layer in layers])
        for name, layer, output in zip(names, layers, outputs, strict=True):
            shape = output.shape.as_list() if output.shape.rank is not None else [None]
            activation = _activation(layer)
            yield TensorSpec(name, output.dtype.name, (None, *shape[1:]), activation=activation)


def _inline_constants(model: keras.Model) -> None:
    """Normalization keeps eager tensors, which a trace would take as further inputs."""
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.Normalization):
            layer.mean, layer.variance = np.asarray(layer.mean), np.asarray(layer.variance)


def _inputs(model: keras.Model) -> tuple[Any, list[Any]]:
    """The structure in which the model takes its inputs (one, list, dictionary), and the inputs."""
    functional = model._functional if isinstance(model, keras.Sequential) else model
    structure = functional._inputs_struct
    return structure, keras.tree.flatten(structure)


def _input_specs(inputs: list[Any], names: list[str]) -> list[TensorSpec]:
    specs = []
    for tensor, name in zip(inputs, names, strict=True):
        dtype = keras.backend.standardize_dtype(tensor.dtype)
        if dtype not in DTYPES:
            raise TypeError(f"input '{name}' has the dtype {dtype}, which can't be served")
        specs.append(TensorSpec(name, dtype, (None, *tuple(tensor.shape)[1:])))
    return specs


def _with_vocabulary(specs: list[TensorSpec], model: keras.Model) -> list[TensorSpec]:
    sizes = vocabularies(model)
    return [replace(spec, vocabulary=sizes.get(spec.name)) for spec in specs]


def _activation(layer: Any) -> str:
    """The activation that an output leaves its layer through; empty where there is none."""
    if isinstance(layer, keras.layers.Softmax):
        return "softmax"
    if isinstance(layer, keras.Model):
        return _activation(layer.outputs[0]._keras_history.operation)
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


def export(traced: TracedModel, folder: Path) -> None:
    """Write the traced function and its variables as a SavedModel with one endpoint, `serve`."""
    archive = keras.export.ExportArchive()
    archive.track(traced.model)
    archive.add_endpoint("serve", traced.function)
    archive.write_out(str(folder), verbose=False)
