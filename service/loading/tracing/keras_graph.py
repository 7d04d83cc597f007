"""What Keras 3 and tf_keras call differently in a built model, under one name each."""

from collections.abc import Iterator
from typing import Any

import tensorflow as tf


def operation_of(tensor: Any) -> Any:
    """The layer or operation that a symbolic tensor comes from."""
    history = tensor._keras_history
    return history.operation if hasattr(history, "operation") else history.layer


def calls_of(layer: Any) -> Iterator[list[Any]]:
    """The symbolic input tensors of each call of a layer."""
    for node in layer._inbound_nodes:
        yield tf.nest.flatten(node.input_tensors) if node.input_tensors is not None else []


def input_structure(model: Any) -> Any:
    """The structure in which a model takes its inputs: one tensor, a list, a dictionary."""
    functional = getattr(model, "_functional", None) or model
    if hasattr(functional, "_inputs_struct"):
        return functional._inputs_struct
    return model._nested_inputs


def is_a(layer: Any, class_name: str) -> bool:
    """True for a layer of that class or a class derived from it, of either Keras."""
    return any(kind.__name__ == class_name for kind in type(layer).__mro__)


def is_model(layer: Any) -> bool:
    """True for a layer that is a model itself, made of layers."""
    return is_a(layer, "Model") and hasattr(layer, "inputs")


def rename(layer: Any, name: str) -> None:
    """Give a layer another name; in tf_keras it is a property over `_name`."""
    is_property = isinstance(getattr(type(layer), "name", None), property)
    setattr(layer, "_name" if is_property else "name", name)
