"""Configurations as Keras 3 writes them, put together by hand."""

from typing import Any

from service.base.strict_json import Json

Shape = tuple[int | None, ...]

ROWS: Shape = (None, 4)
INPUT = "input_layer"
RELU: Json = {
    "module": "keras.activations",
    "class_name": "function",
    "config": "relu",
    "registered_name": "relu",
}


def input_layer(name: str = INPUT, shape: Shape = ROWS, dtype: str = "float32") -> Json:
    """The input of a functional model."""
    settings = {"batch_shape": list(shape), "dtype": dtype, "sparse": False, "ragged": False}
    return {
        "module": "keras.layers",
        "class_name": "InputLayer",
        "config": {**settings, "name": name, "optional": False},
        "registered_name": None,
        "name": name,
        "inbound_nodes": [],
    }


def call(source: str = INPUT, shape: Shape = ROWS, dtype: str = "float32") -> Json:
    """A call of a layer on the output of another."""
    history = {"shape": list(shape), "dtype": dtype, "keras_history": [source, 0, 0]}
    return {"args": [{"class_name": "__keras_tensor__", "config": history}], "kwargs": {}}


def call_with(**arguments: Any) -> Json:
    """A call with plain values instead of tensors."""
    return {"args": [], "kwargs": arguments}


def layer(kind: str, name: str, calls: list[Json] | None = None, **settings: Any) -> Json:
    """A layer of Keras' own, called on the input unless told otherwise."""
    return {
        "module": "keras.layers",
        "class_name": kind,
        "config": {"name": name, "trainable": True, "dtype": "float32", **settings},
        "registered_name": None,
        "name": name,
        "inbound_nodes": [call()] if calls is None else calls,
    }


def inner_layer(kind: str, settings: Json) -> Json:
    """A layer that stands inside another's settings."""
    named = {"module": "keras.layers", "class_name": kind, "registered_name": None}
    return {**named, "config": settings}


def dense(name: str, units: Any, calls: list[Json] | None = None, **settings: Any) -> Json:
    """A Dense layer."""
    given = {"units": units, "activation": "linear", "use_bias": True, **settings}
    return layer("Dense", name, calls, **given)


def a_lambda(name: str, function: Any, calls: list[Json] | None = None, **settings: Any) -> Json:
    """A Lambda layer around a function."""
    return layer("Lambda", name, calls, **{"function": function, "arguments": {}, **settings})


def function(module: str, name: str, registered: str | None = None) -> Json:
    """A function given by its name."""
    names = {"config": name, "registered_name": registered or name}
    return {"module": module, "class_name": "function", **names}


def functional(
    layers: list[Json], output: str, name: str = "functional", first: str = INPUT
) -> Json:
    """A functional model of these layers, from the layer `first` to the layer `output`."""
    ends = {"input_layers": [[first, 0, 0]], "output_layers": [[output, 0, 0]]}
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": {"name": name, "trainable": True, "layers": layers, **ends},
        "registered_name": "Functional",
        "compile_config": None,
    }


def of_one(inner: Json, shape: Shape = ROWS) -> Json:
    """A functional model of an input and one layer."""
    return functional([input_layer(shape=shape), inner], inner["name"])
