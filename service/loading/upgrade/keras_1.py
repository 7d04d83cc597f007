"""Layers of Keras 1: their classes, the names of their arguments, their small parts."""

from collections.abc import Mapping
from typing import Any

from service.base.strict_json import Json
from service.loading.allow_list.allowed import LAYERS
from service.loading.upgrade.mending import Mending
from service.loading.upgrade.tree import settings_within

CLASSES = {
    "AtrousConvolution1D": "Conv1D",
    "AtrousConvolution2D": "Conv2D",
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "Convolution3D": "Conv3D",
    "Deconvolution2D": "Conv2DTranspose",
    "Deconvolution3D": "Conv3DTranspose",
    "SeparableConvolution1D": "SeparableConv1D",
    "SeparableConvolution2D": "SeparableConv2D",
    "TimeDistributedDense": "Dense",  # Dense applies itself to every step now
}
ORDERINGS = {"th": "channels_first", "tf": "channels_last"}
WEIGHTS = {
    "W_constraint": "kernel_constraint",
    "W_regularizer": "kernel_regularizer",
    "b_constraint": "bias_constraint",
    "b_regularizer": "bias_regularizer",
    "bias": "use_bias",
    "init": "kernel_initializer",
}
CONVOLUTION = {
    **WEIGHTS,
    "atrous_rate": "dilation_rate",
    "border_mode": "padding",
    "filter_length": "kernel_size",
    "nb_filter": "filters",
    "subsample": "strides",
    "subsample_length": "strides",
}
RECURRENT = {
    **WEIGHTS,
    "U_regularizer": "recurrent_regularizer",
    "dropout_U": "recurrent_dropout",
    "dropout_W": "dropout",
    "inner_activation": "recurrent_activation",
    "inner_init": "recurrent_initializer",
    "output_dim": "units",
}
POOLING = {"border_mode": "padding", "pool_length": "pool_size", "stride": "strides"}
RATE = {"p": "rate"}
BY_CLASS: Mapping[str, Mapping[str, str]] = {
    **dict.fromkeys(
        ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "Conv3DTranspose"), CONVOLUTION
    ),
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN"), RECURRENT),
    **dict.fromkeys(("MaxPooling1D", "MaxPooling2D", "MaxPooling3D"), POOLING),
    **dict.fromkeys(("AveragePooling1D", "AveragePooling2D", "AveragePooling3D"), POOLING),
    **dict.fromkeys(("Dropout", "GaussianDropout", "AlphaDropout"), RATE),
    **dict.fromkeys(("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"), RATE),
    "BatchNormalization": {"beta_init": "beta_initializer", "gamma_init": "gamma_initializer"},
    "ConvLSTM2D": {**RECURRENT, **CONVOLUTION},
    "Dense": {**WEIGHTS, "output_dim": "units"},
    "Embedding": {
        "W_constraint": "embeddings_constraint",
        "W_regularizer": "embeddings_regularizer",
        "init": "embeddings_initializer",
    },
    "GaussianNoise": {"sigma": "stddev"},
    "PReLU": {"init": "alpha_initializer"},
    "SeparableConv2D": {old: new for old, new in CONVOLUTION.items() if old != "init"},
    "UpSampling1D": {"length": "size"},
}
SILENT_ON_ORDER = frozenset(
    f"{kind}{rank}D" for kind in ("ZeroPadding", "Cropping", "UpSampling") for rank in (2, 3)
)
# How a kernel's sides were named one by one.
SIDES = (("nb_row", "nb_col"), ("kernel_dim1", "kernel_dim2", "kernel_dim3"))
# They told how to compute or where to begin training, never what.
WITHOUT_EFFECT: Mapping[str, frozenset[str]] = {
    "BatchNormalization": frozenset({"init", "mode"}),
    "Conv2DTranspose": frozenset({"output_shape"}),
    "Conv3DTranspose": frozenset({"output_shape"}),
    "Dense": frozenset({"input_dim", "input_length"}),
    "Embedding": frozenset({"dropout", "weights"}),
    "PReLU": frozenset({"weights"}),
    "SeparableConv2D": frozenset({"init"}),
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN"), frozenset({"input_dim", "input_length"})),
    **dict.fromkeys(("Conv1D", "Conv2D"), frozenset({"input_dim", "input_length"})),
}
EVERYWHERE = ("input_dtype", "consume_less", "forget_bias_init", "cache_enabled", "input_shape")
REGULARIZERS = {"WeightRegularizer", "ActivityRegularizer", "L1L2Regularizer"}
CONSTRAINTS = {
    "MaxNorm": {"m": "max_value", "axis": "axis"},
    "UnitNorm": {"axis": "axis"},
    "NonNeg": {},
}


def keras_1_class(layer: Json, _mending: Mending) -> bool:
    """Convolution2D is Conv2D, and so on."""
    kind = layer["class_name"]
    layer["class_name"] = CLASSES.get(kind, kind)
    return bool(layer["class_name"] != kind)


def keras_1_arguments(layer: Json, mending: Mending) -> bool:
    """nb_filter is filters, border_mode is padding, and so on; what had no effect is dropped."""
    kind, config = layer["class_name"], layer["config"]
    if kind not in LAYERS:
        return False
    before = dict(config)
    _refuse_modes(kind, config)
    ordering = config.pop("dim_ordering", None)
    if ordering in ORDERINGS:
        mending.orderings.add(ordering)
        config["data_format"] = ORDERINGS[ordering]
    if kind == "InputLayer" and config.get("input_dtype"):
        config["dtype"] = config["input_dtype"]
    for sides in SIDES:
        if sides[0] in config:
            config["kernel_size"] = [config.pop(side) for side in sides]
    for old, new in BY_CLASS.get(kind, {}).items():
        if old in config:
            config[new] = config.pop(old)
    for key in WITHOUT_EFFECT.get(kind, frozenset()) | set(EVERYWHERE):
        config.pop(key, None)
    return bool(config != before)


def _refuse_modes(kind: str, config: Json) -> None:
    name = config.get("name", kind)
    if kind == "BatchNormalization" and config.get("mode"):
        raise ValueError(
            f"layer '{name}' normalizes in mode {config['mode']}, which only Keras 1 could do"
        )
    if config.get("border_mode") == "full":
        raise ValueError(f"layer '{name}' has the border mode full, which only Keras 1 could do")


def says_channels_first(model: Json) -> bool:
    """True when the layers that say an ordering say `th`, which puts the channels first."""
    said = {settings.get("dim_ordering") for settings in settings_within(model)} & ORDERINGS.keys()
    return said == {"th"}


def keras_1_ordering(layer: Json, mending: Mending) -> bool:
    """Padding, cropping and upsampling of Keras 1 kept to themselves where the channels are."""
    config = layer["config"]
    is_silent = layer["class_name"] in SILENT_ON_ORDER and "data_format" not in config
    if not is_silent or not mending.is_channels_first:
        return False
    config["data_format"] = "channels_first"
    return True


def keras_1_part(layer: Json, mending: Mending) -> bool:
    """Regularizers and constraints were given by name, their numbers beside it."""
    config, found = layer["config"], False
    for key, value in config.items():
        is_part = key.endswith(("_regularizer", "_constraint")) and isinstance(value, dict)
        if is_part and "class_name" not in value and isinstance(value.get("name"), str):
            config[key] = _part(value, str(config.get("name")), mending)
            found = True
    return found


def _part(value: Json, layer_name: str, mending: Mending) -> Any:
    name = value["name"]
    if name in REGULARIZERS:
        return {"class_name": "L1L2", "config": {k: value.get(k) or 0.0 for k in ("l1", "l2")}}
    if name in CONSTRAINTS:
        renamed = {new: value[old] for old, new in CONSTRAINTS[name].items() if old in value}
        return {"class_name": name, "config": renamed}
    mending.note(f"layer '{layer_name}' trained with {name}, which is left out")
    return None
