"""Functional models: how their graph names tensors, counts calls and passes arguments."""

from typing import Any

from service.base.strict_json import Json
from service.loading.allow_list.allowed import MODELS
from service.loading.upgrade.mending import Mending
from service.loading.upgrade.tree import is_reference, references_within

KEPT = ("name", "trainable", "layers", "input_layers", "output_layers")
CONSTANT = "_CONSTANT_VALUE"
RECURRENT = frozenset(
    "RNN LSTM GRU SimpleRNN ConvLSTM1D ConvLSTM2D ConvLSTM3D Bidirectional".split()
)


def upgrade_functional(model: Json, mending: Mending) -> None:
    """Give the model the form of Keras 3, in place; its layers and graph are left as they are."""
    config = model["config"]
    if not isinstance(config, dict) or not isinstance(config.get("layers"), list):
        raise ValueError("the model's configuration has no list of layers (a subclassed model?)")
    if model["class_name"] != "Functional":
        mending.applied("functional_class")
    model |= {
        "class_name": "Functional",
        "module": "keras.src.models.functional",
        "registered_name": "Functional",
    }
    model.pop("build_config", None)
    model["config"] = {key: config[key] for key in KEPT if key in config}


def renumber_calls(config: Json, mending: Mending) -> None:
    """A nested model's making counted as its first call; Keras 3 counts real calls only."""
    for model in (layer for layer in config["layers"] if layer["class_name"] in MODELS):
        called = _of(model["name"], [layer["inbound_nodes"] for layer in config["layers"]])
        ends = _of(model["name"], config["output_layers"])
        if all(reference[1] < len(model["inbound_nodes"]) for reference in (*called, *ends)):
            continue
        # Among the outputs Keras 3 still counts so itself, for functional models.
        for reference in (*called, *(ends if model["class_name"] == "Sequential" else [])):
            reference[1] -= 1
            mending.applied("nested_calls")


def _of(name: str, graph: Any) -> list[list[Any]]:
    return [reference for reference in references_within(graph) if reference[0] == name]


def rewrite_calls(config: Json, mending: Mending) -> None:
    """Write those calls anew that Keras 3 can't read in the old form: all but lists of tensors."""
    for layer in config["layers"]:
        nodes = layer["inbound_nodes"]
        layer["inbound_nodes"] = [_node(layer, node, mending) for node in nodes]


def _node(layer: Json, node: Any, mending: Mending) -> Any:
    if isinstance(node, dict) and "args" in node:
        return node
    first, arguments = read_call(node)
    arguments = {k: v for k, v in arguments.items() if v is not None}
    is_recurrent = layer["class_name"] in RECURRENT and isinstance(first, list)
    if is_recurrent and len(first) > 1 and not is_reference(first):
        if layer["config"].get("num_constants"):
            raise ValueError(
                f"layer '{layer['name']}' is called with constants, as only Keras 2 can"
            )
        mending.applied("initial_state")
        return call([first[0]], {**arguments, "initial_state": first[1:]})
    is_plain = isinstance(first, list) and all(map(_is_plain_reference, first))
    if is_plain and not references_within(list(arguments.values())):
        return [[*reference[:3], arguments] for reference in first]
    mending.applied("call_arguments")
    if isinstance(first, list) and len(first) == 1:
        first = first[0]  # a single tensor was always written as a list
    return call([first], arguments)


def _is_plain_reference(value: Any) -> bool:
    return is_reference(value) and value[0] != CONSTANT


def read_call(node: Any) -> tuple[Any, Json]:
    """What a layer is called with: its first argument, and the others by name."""
    references = _outer_references(node)
    arguments = references[-1][3] if references and len(references[-1]) == 4 else {}
    return node, dict(arguments)


def _outer_references(value: Any) -> list[list[Any]]:
    if is_reference(value):
        return [value]
    if not isinstance(value, list | dict):
        return []
    inner = value.values() if isinstance(value, dict) else value
    return [found for item in inner for found in _outer_references(item)]


def call(args: list[Any], kwargs: Json) -> Json:
    """A call in the form of Keras 3."""
    return {
        "args": [tensors(value) for value in args],
        "kwargs": {key: tensors(value) for key, value in kwargs.items()},
    }


def tensors(value: Any) -> Any:
    """A structure of references as Keras 3 writes it; shapes are found out anew when it's built."""
    if is_reference(value):
        if value[0] == CONSTANT:
            return constant(value[2])
        history = {"keras_history": value[:3]}
        return {
            "class_name": "__keras_tensor__",
            "config": {"shape": [], "dtype": "float32"} | history,
        }
    if isinstance(value, dict):
        return {key: tensors(item) for key, item in value.items()}
    return [tensors(item) for item in value] if isinstance(value, list) else value


def constant(value: Any) -> Any:
    """Numbers stay; lists of numbers become an array, of whole numbers only if all are."""
    if not isinstance(value, list):
        return value
    dtype = "float32" if any(isinstance(number, float) for number in _numbers(value)) else "int32"
    return {"class_name": "__numpy__", "config": {"value": value, "dtype": dtype}}


def _numbers(value: Any) -> list[Any]:
    if not isinstance(value, list):
        return [value]
    return [number for item in value for number in _numbers(item)]
