"""Give a model another last layer: the Dense that ends it, for another number of classes."""

from dataclasses import dataclass
from typing import Any

import keras

from service.base.refusals import TrainingRefused
from service.base.strict_json import Json
from service.loading.weights.targets import is_model
from service.recipe.init import ReplaceHead

ACTIVATIONS = (keras.layers.Activation, keras.layers.Softmax)
# Layers and operations of keras.ops whose answers are any numbers, whatever they are given.
LINEAR = frozenset({"Add", "BatchNormalization", "Multiply", "Rescaling", "Subtract"})
# Those whose answers are the numbers that they are given.
PASSING = frozenset({"Dropout", "ExpandDims", "Flatten", "Permute", "Reshape", "Squeeze"})


@dataclass(frozen=True, slots=True)
class Head:
    """The model with its new last layer, and what took whose place."""

    model: Any
    layer: Any
    report: Json


def replace_head(model: Any, asked: ReplaceHead, seed: int, file: str) -> Head:
    """The same layers under a new Dense with fresh weights, drawn with the seed.

    The new layers keep the names of those whose place they take. Raises TrainingRefused that names
    the layer which stands in the way.
    """
    if len(model.outputs) != 1:
        names = ", ".join(str(output._keras_history.operation.name) for output in model.outputs)
        raise TrainingRefused(
            file, f"replace_head needs one output, the model has {len(model.outputs)} ({names})"
        )
    return _Surgery(asked, seed, file).on(model)


def last_activation(model: Any) -> str:
    """The activation that the model's output comes from: softmax, linear, ...; empty if unknown."""
    return _activation_of(model.outputs[0])


def _activation_of(tensor: Any) -> str:
    layer, node, _ = tensor._keras_history
    given = layer._inbound_nodes[node].input_tensors
    kind = type(layer).__name__
    if is_model(layer):
        return last_activation(layer)
    if kind in PASSING:
        return _activation_of(given[0])
    if kind in LINEAR:
        return "linear"
    if kind in ("Softmax", "Sigmoid"):  # a layer, or an operation of keras.ops
        return kind.lower()
    if kind == "Average":  # of several models: as all of them
        found = {_activation_of(one) for one in given}
        return found.pop() if len(found) == 1 else ""
    inner = layer.layer if isinstance(layer, keras.layers.TimeDistributed) else layer
    return str(getattr(getattr(inner, "activation", None), "__name__", ""))


@dataclass(frozen=True, slots=True)
class _Surgery:
    asked: ReplaceHead
    seed: int
    file: str

    def on(self, model: Any) -> Head:
        """Replace the head of a model, which may be that of a model within it."""
        if type(model) is keras.Sequential:
            return self._on_sequential(model)
        if not type(model).__module__.startswith("keras."):
            self._refuse(model, "is of a class of its own")
        return self._on_functional(model)

    def _on_sequential(self, model: Any) -> Head:
        layers = list(model.layers)
        tail = [layers.pop()] if layers and isinstance(layers[-1], ACTIVATIONS) else []
        if not layers:
            self._refuse(model, "has no layer with weights")
        last = layers.pop()
        if is_model(last):
            if tail:
                self._refuse(tail[0], f"stands behind the model '{last.name}'")
            inner = self.on(last)
            return Head(_sequential(model, [*layers, inner.model]), inner.layer, inner.report)
        new = self._new(last, tail)
        return Head(_sequential(model, [*layers, *new]), new[0], self._report(last, new))

    def _on_functional(self, model: Any) -> Head:
        end, node = _made_by(model.outputs[0])
        tail = [end] if isinstance(end, ACTIVATIONS) else []
        if tail:
            end, node = _made_by(node.input_tensors[0])
        if is_model(end):
            if tail:
                self._refuse(tail[0], f"stands behind the model '{end.name}'")
            self._refuse_shared(end)
            inner = self.on(end)
            outputs = inner.model(*node.arguments.args, **node.arguments.kwargs)
            return Head(_functional(model, outputs), inner.layer, inner.report)
        self._refuse_shared(end)
        new = self._new(end, tail)
        outputs = node.input_tensors[0]
        for layer in new:
            outputs = layer(outputs)
        return Head(_functional(model, outputs), new[0], self._report(end, new))

    def _new(self, old: Any, tail: list[Any]) -> list[Any]:
        """The layers for the place of a Dense and of an activation behind it."""
        if type(old) is not keras.layers.Dense:
            self._refuse(old, f"is a {type(old).__name__}, not a Dense")
        activation = "sigmoid" if self.asked.outputs == 1 else "softmax"
        dense = keras.layers.Dense(
            self.asked.outputs,
            activation=None if tail else activation,
            use_bias=old.use_bias,
            kernel_initializer=keras.initializers.GlorotUniform(seed=self.seed),
            kernel_regularizer=old.kernel_regularizer,
            bias_regularizer=old.bias_regularizer,
            dtype=old.dtype_policy,
            name=old.name,
        )
        if not tail:
            return [dense]
        policy = tail[0].dtype_policy
        return [dense, keras.layers.Activation(activation, dtype=policy, name=tail[0].name)]

    def _report(self, old: Any, new: list[Any]) -> Json:
        last = getattr(new[-1].activation, "__name__", "")
        return {
            "layer": str(old.name),
            "outputs_before": int(old.units),
            "outputs": int(new[0].units),
            "activation": str(last),
            "classes": self.asked.classes,
            "labels": list(self.asked.labels),
        }

    def _refuse_shared(self, layer: Any) -> None:
        if len(layer._inbound_nodes) > 1:
            self._refuse(layer, "is used in several places")

    def _refuse(self, layer: Any, why: str) -> None:
        raise TrainingRefused(
            self.file,
            f"replace_head needs a model that ends in a Dense, an activation behind it or not; "
            f"layer '{layer.name}' {why}",
        )


def _made_by(tensor: Any) -> tuple[Any, Any]:
    """The layer that a tensor of a functional model comes out of, and the call that made it."""
    history = tensor._keras_history
    return history.operation, history.operation._inbound_nodes[history.node_index]


def _sequential(old: Any, layers: list[Any]) -> Any:
    first = old.inputs[0]
    inputs = keras.Input(batch_shape=first.shape, dtype=first.dtype, name=first.name)
    return keras.Sequential([inputs, *layers], name=old.name)


def _functional(old: Any, outputs: Any) -> Any:
    """The same inputs, in the structure in which the model takes them."""
    return keras.Model(old._inputs_struct, outputs, name=old.name)
