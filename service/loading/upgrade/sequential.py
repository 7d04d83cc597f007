"""Sequential models: their list of layers, and the input that Keras 1 to 2.3 left out."""

from typing import Any

from service.base.strict_json import Json
from service.loading.allow_list.allowed import MODELS
from service.loading.upgrade.mending import Mending

RECURRENT = ("LSTM", "GRU", "SimpleRNN", "CuDNNLSTM", "CuDNNGRU")
WITH_STEPS = (*RECURRENT, "Conv1D", "Convolution1D", "AtrousConvolution1D", "TimeDistributedDense")


def upgrade_sequential(model: Json, mending: Mending, is_nested: bool) -> None:
    """Give the model the form of Keras 3, in place; its layers are left as they are.

    Raises ValueError when the outermost model's input has no shape anywhere.
    """
    config = model["config"]
    if isinstance(config, list):
        mending.applied("sequential_list")
        config = {"layers": config}
    layers = config.get("layers")
    if not isinstance(layers, list) or not layers:
        raise ValueError("the Sequential model has no layers")
    if layers[0]["class_name"] != "InputLayer":
        layers = _with_input(layers, config, mending, is_nested)
    name = config.get("name") or model.get("name") or "sequential"
    model |= {"module": "keras", "registered_name": None, "class_name": "Sequential"}
    model.pop("build_config", None)
    model["config"] = {"name": name, "layers": layers}


def _with_input(layers: list[Json], config: Json, mending: Mending, is_nested: bool) -> list[Json]:
    shape = _shape_of_model({**config, "layers": layers})
    if shape is not None:
        mending.applied("sequential_input")
        return [_input_layer(layers[0], shape, mending), *layers]
    if is_nested:
        return layers  # Keras 3 builds it when the outer model calls it
    raise ValueError("the file says nowhere what shape the model's input has")


def _shape_of_model(config: Any) -> list[Any] | None:
    config = {"layers": config} if isinstance(config, list) else config
    if not config.get("layers"):
        return None
    first, built = config["layers"][0], config.get("build_input_shape")
    if isinstance(built, list):
        built = [None, *built[1:]]  # the batch that it was first called with is no rule
    return _said_shape(first) or built or input_shape(first)


def input_shape(layer: Json) -> list[Any] | None:
    """The shape that a layer says its input has, the batch first, in any era's words."""
    said = _said_shape(layer)
    if said is not None or layer["class_name"] in MODELS:
        return said
    inner = layer["config"].get("layer")
    if layer["class_name"] == "Bidirectional" and isinstance(inner, dict):
        return input_shape(inner)
    return _of_dimensions(layer["class_name"], layer["config"])


def _said_shape(layer: Json) -> list[Any] | None:
    config = layer["config"]
    if layer["class_name"] in MODELS:
        return _shape_of_model(config)
    for key in ("batch_input_shape", "batch_shape"):
        if isinstance(config.get(key), list):
            return list(config[key])
    if isinstance(config.get("input_shape"), list):
        return [None, *config["input_shape"]]
    return None


def _of_dimensions(kind: str, config: Json) -> list[Any] | None:
    """Short forms: a size for vectors, a size and a length for sequences."""
    if kind == "Embedding":
        length = config.get("input_length")
        return [None, *length] if isinstance(length, list) else [None, length]
    size = config.get("input_dim")
    if not size:
        return None
    return [None, config.get("input_length"), size] if kind in WITH_STEPS else [None, size]


def _input_layer(first: Json, shape: list[Any], mending: Mending) -> Json:
    inner = _first_settings(first)
    first_name = str(inner.get("name", "model"))
    name = f"{first_name}_input"
    if first_name in mending.renamed:
        mending.renamed[name] = f"{mending.renamed[first_name]}_input"
    config = {"batch_shape": shape, "dtype": _dtype(inner), "name": name}
    return {"class_name": "InputLayer", "config": config}


def _first_settings(layer: Json) -> Json:
    """The settings of the layer that meets the input: the innermost first one."""
    config = layer["config"]
    if layer["class_name"] not in MODELS:
        settings: Json = config
        return settings
    layers = config if isinstance(config, list) else config["layers"]
    return _first_settings(layers[0])


def _dtype(config: Json) -> str:
    dtype = config.get("input_dtype") or config.get("dtype") or "float32"
    if isinstance(dtype, dict):
        dtype = dtype.get("config", {}).get("name", "float32")
    return "float32" if str(dtype).startswith(("mixed", "_")) else str(dtype)
