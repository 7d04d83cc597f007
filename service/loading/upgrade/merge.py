"""Merge layers of Keras 1, which are a class for each way of merging now."""

from service.base.strict_json import Json
from service.loading.upgrade.mending import Mending
from service.loading.upgrade.sequential import input_shape

MODES = {
    "ave": "Average",
    "concat": "Concatenate",
    "dot": "Dot",
    "max": "Maximum",
    "mul": "Multiply",
    "sum": "Add",
}


def keras_1_merge(layer: Json, _mending: Mending) -> bool:
    """Merge(mode="sum") is Add, and so on. Raises ValueError for modes that are code."""
    config = layer["config"]
    if layer["class_name"] != "Merge":
        return False
    mode, name = config.get("mode"), config.get("name", "merge")
    if mode not in MODES or config.get("mode_type", "raw") != "raw":
        raise ValueError(
            f"layer '{name}' merges by {str(mode)[:40]!r}, which only Keras 1 could do"
        )
    layer["class_name"] = MODES[mode]
    layer["config"] = {key: config[key] for key in ("name", "trainable") if key in config}
    if mode == "concat":
        layer["config"]["axis"] = config.get("concat_axis", -1)
    if mode == "dot":
        layer["config"]["axes"] = config.get("dot_axes", -1)
    return True


def begins_with_merge(model: Json) -> bool:
    """True for a Sequential of Keras 1 whose first layer merges branches of its own."""
    config = model["config"]
    layers = config if isinstance(config, list) else config.get("layers")
    first = layers[0] if isinstance(layers, list) and layers else {}
    return first.get("class_name") == "Merge" and isinstance(first["config"].get("layers"), list)


def as_functional(model: Json, mending: Mending) -> None:
    """Such a Sequential as a functional model, in place: branches, the merging, what follows.

    Keras 1 wrote the weights of the branches' layers as if they were the model's own.
    """
    config = model["config"]
    merge, *rest = config if isinstance(config, list) else config["layers"]
    merge["config"].setdefault("name", "merge_1")
    layers: list[Json] = []
    ends, inputs = [], []
    for branch in merge["config"].pop("layers"):
        chained = _branch(branch)
        inputs.append([chained[0]["name"], 0, 0])
        ends.append([chained[-1]["name"], 0, 0, {}])
        layers += chained
    layers.append({**merge, "name": merge["config"]["name"], "inbound_nodes": [ends]})
    layers += _chain(rest, layers[-1]["name"])
    outputs = [[layers[-1]["name"], 0, 0]]
    name = model.get("name") or "sequential"
    graph = {"layers": layers, "input_layers": inputs, "output_layers": outputs}
    model |= {"class_name": "Model", "config": {"name": name, **graph}}
    mending.applied("merged_sequential")


def _branch(branch: Json) -> list[Json]:
    if branch["class_name"] != "Sequential":
        raise ValueError("a Merge of something else than Sequential models, as only Keras 1 could")
    config = branch["config"]
    layers = config if isinstance(config, list) else config["layers"]
    first = layers[0]["config"]
    shape = input_shape(layers[0])
    if shape is None:
        raise ValueError("the file says nowhere what shape the model's input has")
    name = f"{first['name']}_input"
    dtype = first.get("input_dtype") or "float32"
    settings = {"batch_input_shape": shape, "dtype": dtype, "name": name}
    head: Json = {"class_name": "InputLayer", "config": settings, "name": name, "inbound_nodes": []}
    return [head, *_chain(layers, name)]


def _chain(layers: list[Json], before: str) -> list[Json]:
    chained = []
    for layer in layers:
        name = layer["config"]["name"]
        chained.append({**layer, "name": name, "inbound_nodes": [[[before, 0, 0, {}]]]})
        before = name
    return chained
