"""The model inside what `multi_gpu_model` of Keras 2 made of it.

That function cut each batch into one part for each graphics card by Lambda layers, called the same
inner model on every part and concatenated the answers: the inner model alone answers the same.
Only exactly this pattern is recognised, so nothing else gets past the scan for code.
"""

import base64
import binascii
from typing import Any

from service.base.strict_json import Json
from service.loading.allow_list.allowed import MODELS

CODE_NAMES = (b"get_slice", b"multi_gpu_utils")
KEPT = ("keras_version", "backend")


def unwrap_multi_gpu(config: Json) -> Json | None:
    """The inner model of exactly this pattern, as a model of its own; none for anything else."""
    try:
        inner = _inner_model(config)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        return None
    if inner is None:
        return None
    kept = {key: config[key] for key in KEPT if key in config}
    return {"class_name": inner["class_name"], "config": inner["config"], **kept}


def _inner_model(config: Json) -> Json | None:
    if config["class_name"] not in ("Model", "Functional"):
        return None
    graph = config["config"]
    layers = {layer["name"]: layer for layer in graph["layers"]}
    inputs = [reference[0] for reference in graph["input_layers"]]
    of_class: dict[str, list[Json]] = {}
    for layer in graph["layers"]:
        of_class.setdefault(
            "Model" if layer["class_name"] in MODELS else layer["class_name"], []
        ).append(layer)
    slices, models = of_class.get("Lambda", []), of_class.get("Model", [])
    ends = of_class.get("Concatenate", [])
    is_complete = set(of_class) == {"InputLayer", "Lambda", "Model", "Concatenate"}
    if not is_complete or len(models) != 1 or len(layers) != len(graph["layers"]):
        return None
    if {layer["name"] for layer in of_class["InputLayer"]} != set(inputs):
        return None
    parts = _parts(models[0]["inbound_nodes"])
    is_cut = parts > 1 and _are_slices(slices, inputs, parts)
    is_called = is_cut and _calls(models[0], layers, inputs)
    is_joined = is_called and _are_joined(graph["output_layers"], ends, models[0]["name"], parts)
    return models[0] if is_joined else None


def _parts(nodes: Any) -> int:
    return len(nodes) if isinstance(nodes, list) else 0


def _are_slices(slices: list[Json], inputs: list[str], parts: int) -> bool:
    """Every input is cut into as many parts, each once, by the same code of Keras itself."""
    found = []
    for layer in slices:
        config, (node,) = layer["config"], layer["inbound_nodes"]
        ((source, call, output, *_),) = node
        arguments = config["arguments"]
        if arguments.keys() != {"i", "parts"} or arguments["parts"] != parts or call or output:
            return False
        if not _is_of_keras(config):
            return False
        found.append((source, arguments["i"]))
    wanted = [(source, part) for source in inputs for part in range(parts)]
    codes = {str(layer["config"]["function"]) for layer in slices}
    return sorted(found) == sorted(wanted) and len(codes) == 1


def _is_of_keras(config: Json) -> bool:
    """The code is looked at as bytes, for the names that it carries; it is never run."""
    function = config["function"]
    if config["function_type"] != "lambda" or function[1:] not in ([None, None], [None]):
        return False
    try:
        code = base64.b64decode("".join(function[0].split()), validate=True)
    except (binascii.Error, ValueError):
        return False
    return all(name in code for name in CODE_NAMES)


def _calls(model: Json, layers: dict[str, Json], inputs: list[str]) -> bool:
    """Call number i takes part i of every input, in the order of the inputs."""
    for part, node in enumerate(model["inbound_nodes"]):
        sources = [layers[reference[0]] for reference in node]
        if any(source["class_name"] != "Lambda" for source in sources):
            return False
        given = [(s["inbound_nodes"][0][0][0], s["config"]["arguments"]["i"]) for s in sources]
        if given != [(source, part) for source in inputs]:
            return False
    return True


def _are_joined(outputs: Any, ends: list[Json], model: str, parts: int) -> bool:
    """Output number k concatenates the outputs k of all calls, in order, along the batch."""
    by_name = {layer["name"]: layer for layer in ends}
    if len(outputs) != len(ends):
        return False
    for number, (name, *_) in enumerate(outputs):
        (node,) = by_name[name]["inbound_nodes"]
        calls = [reference[1] for reference in node]
        in_order = calls == list(range(calls[0], calls[0] + parts)) and calls[0] in (0, 1)
        is_ours = all(ref[0] == model and ref[2] == number for ref in node)
        if by_name[name]["config"]["axis"] != 0 or not in_order or not is_ours:
            return False
    return True
