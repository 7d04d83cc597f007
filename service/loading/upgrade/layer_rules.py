"""Rules for single layers of Keras 2: arguments that are gone, were renamed or had other forms."""

import re
from collections.abc import Iterator
from typing import Any

from service.base.strict_json import Json
from service.loading.upgrade.mending import Mending

# What only Keras 2 can do: dropped where it isn't asked for, an error where it is.
ONLY_KERAS_2 = (
    ("time_major", r"\w*(RNN|LSTM|GRU)\w*", "time_major"),
    ("normalization_arguments", r"\w*BatchNormalization\w*", "renorm"),
    ("attention_arguments", "Attention|AdditiveAttention", "causal"),
    ("attention_arguments", "MultiHeadAttention", "softmax_robust_masking"),
)
# Layers, and arguments of theirs that are gone and never changed an answer.
GONE = (
    (
        "normalization_arguments",
        r"\w*BatchNormalization\w*",
        {"fused", "renorm_clipping", "renorm_momentum", "virtual_batch_size", "adjustment"},
    ),
    ("attention_arguments", "MultiHeadAttention", {"query_shape", "key_shape", "value_shape"}),
    ("spatial_dropout", "SpatialDropout[123]D", {"trainable", "noise_shape"}),
    ("dropped_arguments", "Embedding", {"input_length"}),
    (
        "dropped_arguments",
        r"Separable\w+",
        {"kernel_initializer", "kernel_regularizer", "kernel_constraint"},
    ),
    ("dropped_arguments", r"Random\w+", {"rng_type"}),
    ("dropped_arguments", r"SimpleRNN(Cell)?|ConvLSTM[123]D", {"implementation"}),
)
# Everywhere, unless they are asked for.
GONE_UNLESS_USED = ("input_length", "batch_size")
PARTS = re.compile(r"\w*_(initializer|regularizer|constraint)")
POLICIES = re.compile(r"(mixed_)?(b?float16|float32|float64)|u?int(8|16|32|64)|bool|string")
VERSIONED = re.compile(r"(BatchNormalization|LSTM|GRU|LSTMCell|GRUCell|Dropout|Attention)V[12]")
OTHER_CLASSES = {
    "SyncBatchNormalization": "BatchNormalization",
    "UnifiedGRU": "GRU",
    "UnifiedLSTM": "LSTM",
}


def batch_input_shape(layer: Json, _mending: Mending) -> bool:
    """The input's shape stood in the first layer; an InputLayer calls it batch_shape now."""
    config = layer["config"]
    shape = config.pop("batch_input_shape", None)
    if layer["class_name"] == "InputLayer" and shape is not None:
        config.setdefault("batch_shape", shape)
    return shape is not None


def numpy_value(layer: Json, _mending: Mending) -> bool:
    """NumPy's numbers and arrays were written with their type beside them."""
    config = layer["config"]
    found = [key for key, value in config.items() if _is_numpy(value)]
    for key in found:
        config[key] = config[key]["value"]
    for _, part in _parts(config):
        inner = part.get("config")
        for key in [k for k, v in inner.items() if _is_numpy(v)] if isinstance(inner, dict) else []:
            part["config"][key] = part["config"][key]["value"]
            found.append(key)
    return bool(found)


def _is_numpy(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"type", "value"}


def dtype_policy(layer: Json, _mending: Mending) -> bool:
    """A dtype policy was an object of another form; its name says it all."""
    dtype = layer["config"].get("dtype")
    if not isinstance(dtype, dict):
        return False
    inner = dtype.get("config")
    name = str(inner.get("name")) if isinstance(inner, dict) else ""
    layer["config"]["dtype"] = name if POLICIES.fullmatch(name) else "float32"
    return True


def versioned_class(layer: Json, _mending: Mending) -> bool:
    """tf.keras had some classes twice, and wrote which of the two."""
    kind = layer["class_name"]
    found = VERSIONED.fullmatch(kind)
    layer["class_name"] = found[1] if found else OTHER_CLASSES.get(kind, kind)
    return bool(layer["class_name"] != kind)


def cudnn(layer: Json, _mending: Mending) -> bool:
    """The layers for graphics cards were classes of their own, with fixed activations."""
    kind, config = layer["class_name"], layer["config"]
    if kind not in ("CuDNNLSTM", "CuDNNGRU"):
        return False
    layer["class_name"] = kind.removeprefix("CuDNN")
    config |= {"activation": "tanh", "recurrent_activation": "sigmoid"}
    if kind == "CuDNNGRU":
        config["reset_after"] = True
    return True


def only_keras_2(layer: Json, mending: Mending) -> bool:
    """Abilities that are gone: dropped where they are off. Raises ValueError where one is on."""
    kind, config = layer["class_name"], layer["config"]
    for rule, kinds, key in ONLY_KERAS_2:
        if key in config and re.fullmatch(kinds, kind):
            _refuse_if_used(layer, key)
            del config[key]
            mending.applied(rule)
    if kind == "InputLayer":
        _refuse_if_used(layer, "ragged")
    return False


def _refuse_if_used(layer: Json, key: str) -> None:
    config = layer["config"]
    if config.get(key):
        name = config.get("name", layer["class_name"])
        raise ValueError(f"layer '{name}' asks for {key}, which only Keras 2 can do")


def gone_arguments(layer: Json, mending: Mending) -> bool:
    """Arguments that never changed an answer, and the number of groups where it is one."""
    kind, config = layer["class_name"], layer["config"]
    for rule, kinds, keys in GONE:
        if keys & config.keys() and re.fullmatch(kinds, kind):
            mending.applied(rule)
            for key in keys & config.keys():
                del config[key]
    found = [key for key in GONE_UNLESS_USED if key in config and not config[key]]
    if re.match("Depthwise|Separable|.*Transpose", kind) and config.get("groups") == 1:
        found.append("groups")
    for key in found:
        del config[key]
        mending.applied("dropped_arguments")
    return False


def axis_list(layer: Json, _mending: Mending) -> bool:
    """A normalization's axis was a list of one, also wrapped into an object."""
    config = layer["config"]
    axis = config.get("axis")
    if not layer["class_name"].endswith("Normalization"):
        return False
    if isinstance(axis, dict) and isinstance(axis.get("items"), list):
        axis = axis["items"]
    is_single = isinstance(axis, list) and len(axis) == 1
    changed = axis[0] if is_single and isinstance(axis, list) else axis
    if changed == config.get("axis"):
        return False
    config["axis"] = changed
    return True


def leaky_slope(layer: Json, _mending: Mending) -> bool:
    """LeakyReLU's alpha is called negative_slope now."""
    config = layer["config"]
    if layer["class_name"] != "LeakyReLU" or "alpha" not in config:
        return False
    config["negative_slope"] = config.pop("alpha")
    return True


def thresholded_relu(layer: Json, _mending: Mending) -> bool:
    """ThresholdedReLU is gone; kerasd has its own, registered with Keras."""
    if layer["class_name"] != "ThresholdedReLU":
        return False
    layer |= {"module": None, "registered_name": "kerasd>ThresholdedReLU"}
    return True


def random_size(layer: Json, mending: Mending) -> bool:
    """RandomHeight and RandomWidth are gone; they only ever changed pictures in training."""
    config = layer["config"]
    if layer["class_name"] not in ("RandomHeight", "RandomWidth"):
        return False
    mending.note(f"layer '{config.get('name')}' ({layer['class_name']}) does nothing any more")
    layer["class_name"] = "Identity"
    layer["config"] = {key: config[key] for key in ("name", "dtype") if key in config}
    return True


def initializer_dtype(layer: Json, _mending: Mending) -> bool:
    """Initializers took a dtype; it never mattered once weights are loaded."""
    found = False
    for key, part in _parts(layer["config"]):
        if key.endswith("_initializer") and isinstance(part.get("config"), dict):
            found |= part["config"].pop("dtype", None) is not None
    return found


def versioned_part(layer: Json, _mending: Mending) -> bool:
    """tf.keras had initializers twice: GlorotUniformV2 is GlorotUniform."""
    found = False
    for _, part in _parts(layer["config"]):
        name = re.sub(r"V[12]$", "", str(part["class_name"]))
        found |= name != part["class_name"]
        part["class_name"] = name
    return found


def _parts(config: Json) -> Iterator[tuple[str, Json]]:
    for key, value in config.items():
        if PARTS.fullmatch(key) and isinstance(value, dict) and "class_name" in value:
            yield key, value


def refused_class(layer: Json, _mending: Mending) -> bool:
    """Classes that nothing here can stand for. Raises ValueError with the reason."""
    why = REFUSED.get(layer["class_name"])
    if why is not None:
        name = layer["config"].get("name", layer["class_name"])
        raise ValueError(f"layer '{name}' is a {layer['class_name']}: {why}")
    return False


GONE_WITH_KERAS_2 = "only Keras 2 has it"
GONE_WITH_KERAS_1 = "only Keras 1 had it"
REFUSED = {
    "Discretization": "that of Keras 2 turns its inputs into whole numbers in Keras 3",
    "Highway": GONE_WITH_KERAS_1,
    "LocallyConnected1D": GONE_WITH_KERAS_2,
    "LocallyConnected2D": GONE_WITH_KERAS_2,
    "MaxoutDense": GONE_WITH_KERAS_1,
    "ParametricSoftplus": GONE_WITH_KERAS_1,
    "SReLU": GONE_WITH_KERAS_1,
    "TensorFlowOpLayer": "it holds an operation of TensorFlow's graph; only Keras 2 has it",
}
