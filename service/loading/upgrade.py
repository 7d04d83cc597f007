"""Turn a configuration of Keras 1 or 2 into one that Keras 3 understands, by small named rules.

Each rule cures one thing that changed between the eras; the names of those that were applied go
into the report of the version. The silent changes matter most: without their rules a model loads
and answers wrong numbers.
"""

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any

from service.loading.allowed import MODELS

Json = dict[str, Any]
LEGACY_HARD_SIGMOID = "kerasd>legacy_hard_sigmoid"
WRAPPED = ("layer", "forward_layer", "backward_layer", "cell")
GONE_UNLESS_USED = ("time_major", "ragged", "fused", "renorm", "input_length", "batch_size")
# Layers, and arguments of theirs that are gone and never changed an answer.
GONE = (
    ("", {"renorm_clipping", "renorm_momentum", "virtual_batch_size", "adjustment"}),
    ("Embedding", {"input_length"}),
    ("SpatialDropout", {"trainable", "noise_shape"}),
    ("Separable", {"kernel_initializer", "kernel_regularizer", "kernel_constraint"}),
    ("Random", {"rng_type"}),
)


def is_modern(config: Json, keras_version: str) -> bool:
    """True for what Keras 3 itself wrote, by the file's own word or by its form."""
    major = keras_version.split(".")[0]
    if major.isdecimal() and len(major) < 10:
        return int(major) >= 3
    return "module" in config and not any("batch_input_shape" in c for c in _configs(config))


def upgrade(model: Json, keras_version: str) -> tuple[Json, list[str]]:
    """A configuration for Keras 3 and the names of the rules applied; the original is kept.

    Raises ValueError when the input's shape isn't to be found anywhere.
    """
    if is_modern(model, keras_version):
        return _with_module(model), []
    applied: set[str] = {"modules"}
    return _upgrade_model(copy.deepcopy(model), applied), sorted(applied)


def _with_module(model: Json) -> Json:
    """Keras 3 leaves the module of the model itself out of a whole .h5."""
    is_sequential = model["class_name"] == "Sequential"
    home = "keras" if is_sequential else "keras.src.models.functional"
    return {"module": home, "registered_name": None if is_sequential else "Functional", **model}


def _upgrade_model(model: Json, applied: set[str]) -> Json:
    if model["class_name"] == "Sequential":
        return _upgrade_sequential(model, applied)
    model |= {
        "class_name": "Functional",
        "module": "keras.src.models.functional",
        "registered_name": "Functional",
    }
    model.pop("build_config", None)
    layers = model["config"].get("layers")
    if not isinstance(layers, list):
        raise ValueError("the model's configuration has no list of layers (a subclassed model?)")
    model["config"]["layers"] = [_upgrade_layer(layer, applied) for layer in layers]
    if _renumber_calls(model["config"]):
        applied.add("nested_calls")
    return model


def _renumber_calls(config: Json) -> bool:
    """A nested model's making counted as its first call; Keras 3 counts real calls only."""
    renumbered = False
    for model in (layer for layer in config["layers"] if layer["class_name"] in MODELS):
        called = _references([layer["inbound_nodes"] for layer in config["layers"]], model["name"])
        ends = _references(config["output_layers"], model["name"])
        if all(reference[1] < len(model["inbound_nodes"]) for reference in (*called, *ends)):
            continue
        # Among the outputs Keras 3 still counts so itself, for functional models.
        for reference in (*called, *(ends if model["class_name"] == "Sequential" else [])):
            reference[1] -= 1
            renumbered = True
    return renumbered


def _references(value: Any, name: str) -> list[list[Any]]:
    """The lists `[name, call, output, ...]` by which a graph refers to a layer's outputs."""
    found, pending = [], [value]
    while pending:
        item = pending.pop()
        if isinstance(item, list) and item[:1] == [name] and len(item) > 2:
            found.append(item)
        elif isinstance(item, list | dict):
            pending.extend(item.values() if isinstance(item, dict) else item)
    return found


def _upgrade_sequential(model: Json, applied: set[str]) -> Json:
    config = model["config"]
    if isinstance(config, list):
        applied.add("sequential_list")
        config = {"name": "sequential", "layers": config}
    layers = config.get("layers")
    if not isinstance(layers, list) or not layers:
        raise ValueError("the Sequential model has no layers")
    if layers[0]["class_name"] != "InputLayer":
        applied.add("sequential_input")
        layers = [_input_layer(layers[0], config), *layers]
    model |= {"module": "keras", "registered_name": None}
    model.pop("build_config", None)
    model["config"] = {
        "name": config.get("name", "sequential"),
        "layers": [_upgrade_layer(layer, applied) for layer in layers],
    }
    return model


def _input_layer(first: Json, config: Json) -> Json:
    """The InputLayer that Keras 1 to 2.3 left out: its shape stands in the first layer."""
    inner = first["config"]
    while isinstance(inner, list):  # a Sequential as the first layer of a Sequential
        inner = inner[0]["config"]
    shape = inner.get("batch_input_shape") or config.get("build_input_shape")
    if shape is None and isinstance(inner.get("layers"), list):
        shape = inner["layers"][0]["config"].get("batch_input_shape")
    if shape is None and inner.get("input_dim") and first["class_name"] == "Dense":
        shape = [None, inner["input_dim"]]
    if shape is None:
        raise ValueError("the file says nowhere what shape the model's input has")
    dtype = inner.get("dtype", "float32")
    name = f"{inner.get('name', 'model')}_input"
    return {
        "class_name": "InputLayer",
        "config": {
            "batch_shape": shape,
            "dtype": dtype if isinstance(dtype, str) else "float32",
            "name": name,
        },
    }


def _upgrade_layer(layer: Json, applied: set[str]) -> Json:
    if layer["class_name"] in MODELS:
        return _upgrade_model(layer, applied)
    layer |= {"module": "keras.layers", "registered_name": None}
    layer.pop("build_config", None)
    config = layer["config"]
    for rule in RULES:
        if rule(layer["class_name"], config):
            applied.add(rule.__name__.removeprefix("_"))
    for key in WRAPPED:
        if isinstance(config.get(key), dict):
            config[key] = _upgrade_layer(config[key], applied)
    if isinstance(config.get("cells"), list):
        config["cells"] = [_upgrade_layer(cell, applied) for cell in config["cells"]]
    return layer


def _batch_input_shape(kind: str, config: Json) -> bool:
    """The input's shape moved from the first layer into the InputLayer."""
    shape = config.pop("batch_input_shape", None)
    if kind == "InputLayer":
        config.setdefault("batch_shape", shape)
        config.pop("input_dtype", None)
        return shape is not None
    config.pop("input_dim", None) if kind == "Dense" else None
    config.pop("input_dtype", None)
    return shape is not None


def _dtype_policy(_kind: str, config: Json) -> bool:
    """A dtype policy was a dictionary of another form."""
    dtype = config.get("dtype")
    if not isinstance(dtype, dict):
        return False
    config["dtype"] = dtype.get("config", {}).get("name", "float32")
    return True


def _dropped_arguments(kind: str, config: Json) -> bool:
    """Arguments that are gone, dropped only where they ask for what is now the only behaviour."""
    found = {key for key in GONE_UNLESS_USED if key in config and not config[key]}
    for kinds, keys in GONE:
        if re.match(kinds, kind):
            found |= keys & config.keys()
    if re.match("Depthwise|Separable|.*Transpose", kind) and config.get("groups") == 1:
        found.add("groups")
    for key in found:
        del config[key]
    return bool(found)


def _axis_list(kind: str, config: Json) -> bool:
    """BatchNormalization's axis was a list of one."""
    axis = config.get("axis")
    if kind.startswith("BatchNormalization") and isinstance(axis, list) and len(axis) == 1:
        config["axis"] = axis[0]
        return True
    return False


def _leaky_slope(kind: str, config: Json) -> bool:
    """LeakyReLU's alpha is now called negative_slope."""
    if kind == "LeakyReLU" and "alpha" in config:
        config["negative_slope"] = config.pop("alpha")
        return True
    return False


def _gru_reset_after(kind: str, config: Json) -> bool:
    """A GRU without reset_after is from before the argument: it resets before."""
    if kind in ("GRU", "GRUCell") and "reset_after" not in config:
        config["reset_after"] = False
        return True
    return False


def _hard_sigmoid(_kind: str, config: Json) -> bool:
    """hard_sigmoid was clip(0.2 x + 0.5); Keras 3 has relu6(x + 3) / 6 under the same name."""
    found = [k for k in ("activation", "recurrent_activation") if config.get(k) == "hard_sigmoid"]
    for key in found:
        config[key] = {
            "module": "builtins",
            "class_name": "function",
            "config": LEGACY_HARD_SIGMOID.split(">")[1],
            "registered_name": LEGACY_HARD_SIGMOID,
        }
    return bool(found)


def _initializer_dtype(_kind: str, config: Json) -> bool:
    """Initializers took a dtype; it never mattered once weights are loaded."""
    found = False
    for key, value in config.items():
        if key.endswith("_initializer") and isinstance(value, dict):
            found |= value.get("config", {}).pop("dtype", None) is not None
    return found


RULES: tuple[Callable[[str, Json], bool], ...] = (
    _batch_input_shape,
    _dtype_policy,
    _dropped_arguments,
    _axis_list,
    _leaky_slope,
    _gru_reset_after,
    _hard_sigmoid,
    _initializer_dtype,
)


def _configs(value: Any) -> Iterator[Json]:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            if isinstance(item.get("config"), dict):
                yield item["config"]
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
