"""Functional models made by hand, as Keras 2 and Keras 3 write them."""

from typing import Any

from service.base.strict_json import Json
from tests.loading.handmade import layer, sequential


def tensor(name: str, shape: list[int | None], call: int = 0) -> Json:
    """A tensor of a functional model as Keras 3 writes it."""
    config = {"shape": shape, "dtype": "float32", "keras_history": [name, call, 0]}
    return {"class_name": "__keras_tensor__", "config": config}


def fed(item: Json, *calls: list[Any]) -> Json:
    """A layer of a functional model of Keras 2: what each of its calls is given, by name."""
    nodes = [
        [[*source, {}] if isinstance(source, list) else [source, 0, 0, {}] for source in call]
        for call in calls
    ]
    return {**item, "name": item["config"]["name"], "inbound_nodes": nodes}


def modern_fed(item: Json, *tensors: Json) -> Json:
    """A layer of a functional model of Keras 3, called once."""
    nodes = [{"args": list(tensors), "kwargs": {}}] if tensors else []
    return {**item, "name": item["config"]["name"], "inbound_nodes": nodes}


def source(name: str, *shape: int | None) -> Json:
    return fed(layer("InputLayer", name=name, batch_input_shape=[None, *shape]))


def functional(name: str, layers: list[Json], outputs: list[Any], inputs: Any = "x") -> Json:
    names = [inputs] if isinstance(inputs, str) else inputs
    ends = {"input_layers": [[n, 0, 0] for n in names], "output_layers": outputs}
    return {"class_name": "Model", "config": {"name": name, "layers": layers, **ends}}


def after(shape: list[int | None], item: Json) -> Json:
    """One layer behind an input of this shape."""
    return sequential(layer("InputLayer", name="x", batch_input_shape=shape), item)
