"""Where weights go: the layers and variables of a built model of Keras 3 or tf_keras."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# What a layer is called in a file when another class of the same weights wrote it.
SAME_WEIGHTS = {
    "batchnormalization": "batch_normalization",
    "batch_normalization_v1": "batch_normalization",
    "batch_normalization_v2": "batch_normalization",
    "atrousconvolution1d": "conv1d",
    "atrousconvolution2d": "conv2d",
    "convolution1d": "conv1d",
    "convolution2d": "conv2d",
    "convolution3d": "conv3d",
    "convlstm2d": "conv_lstm2d",
    "cu_dnngru": "gru",
    "cu_dnnlstm": "lstm",
    "deconvolution2d": "conv2d_transpose",
    "locallyconnected1d": "locally_connected1d",
    "locallyconnected2d": "locally_connected2d",
    "model": "functional",
    "prelu": "p_re_lu",
    "separableconvolution2d": "separable_conv2d",
    "simplernn": "simple_rnn",
    "timedistributed": "time_distributed",
}
FREE = -1
KINDS = {"float": "float", "bfloat": "float", "int": "int", "uint": "int", "bool": "bool"}


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of the model; `kind` is float, int, bool or other.

    `position` is its place among all of the layer's in a legacy file.
    """

    name: str
    owner: str
    shape: tuple[int, ...]
    dtype: str
    kind: str
    variable: Any
    position: int = 0

    @property
    def key(self) -> int:
        return id(self.variable)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A layer that owns variables itself; `label` says where in the model it is."""

    label: str
    name: str
    layer: Any
    variables: tuple[Variable, ...]

    @property
    def class_name(self) -> str:
        return type(self.layer).__name__


def leaves(layer: Any, label: str) -> list[Leaf]:
    """The layers with variables in a layer, itself included, in the order of legacy files.

    Those list what is trained first, then the rest; a frozen layer so comes after the others.
    """
    owners: dict[int, Any] = {}
    for each in (layer, *_below(layer)):
        for variable in own_variables(each):
            owners.setdefault(id(variable), each)
    grouped: dict[int, list[Variable]] = {}
    for position, variable in enumerate(legacy_variables(layer)):
        owner = owners.get(id(variable), layer)
        grouped.setdefault(id(owner), []).append(variable_of(variable, position))
    by_id = {id(each): each for each in (layer, *_below(layer))}
    return [_leaf(by_id[owner], label, layer, found) for owner, found in grouped.items()]


def legacy_variables(layer: Any) -> list[Any]:
    """All variables of a layer in the order of legacy files."""
    every = (*layer.trainable_weights, *layer.non_trainable_weights)
    return [variable for variable in every if not is_seed(variable)]


def own_leaf(layer: Any, label: str) -> Leaf:
    """A layer with the variables that it owns itself, in the order of Keras 3 files."""
    variables = [each for each in own_variables(layer) if not is_seed(each)]
    return Leaf(label, str(layer.name), layer, tuple(variable_of(each) for each in variables))


def own_variables(layer: Any) -> list[Any]:
    """What a layer itself keeps; Keras 3 and tf_keras call it differently."""
    quantized = getattr(layer, "quantization_mode", None)
    if quantized:
        names = getattr(layer, "variable_serialization_spec", {}).get(quantized, ())
        found = [getattr(layer, f"_{name}", getattr(layer, name, None)) for name in names]
        return [variable for variable in found if variable is not None]
    for trained, counted in (
        ("_trainable_variables", "_non_trainable_variables"),
        ("_trainable_weights", "_non_trainable_weights"),
    ):
        if hasattr(layer, trained):
            return [*getattr(layer, trained), *getattr(layer, counted)]
    return []


def variable_of(variable: Any, position: int = 0) -> Variable:
    path = str(getattr(variable, "path", variable.name)).split(":")[0]
    owner, _, name = path.rpartition("/")
    dtype = str(getattr(variable.dtype, "name", variable.dtype))
    kind = KINDS.get(dtype.rstrip("0123456789"), "other")
    return Variable(name, owner, shape_of(variable), dtype, kind, variable, position)


def shape_of(variable: Any) -> tuple[int, ...]:
    """A variable's shape; `FREE` for an axis of any length, as a histogram's."""
    return tuple(FREE if size is None else int(size) for size in variable.shape)


def does_fit(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """True when an array of this shape can be assigned to a variable of that one."""
    return len(shape) == len(wanted) and all(
        want in (FREE, size) for size, want in zip(shape, wanted, strict=True)
    )


def is_seed(variable: Any) -> bool:
    """The state of a random generator is no weight, nor is tf_keras' stand-in for a vocabulary."""
    return not hasattr(variable, "shape") or "seed_generator_state" in str(variable.name)


def is_layer(item: object) -> bool:
    return hasattr(item, "_flatten_layers") and hasattr(item, "trainable_weights")


def is_model(layer: object) -> bool:
    """A model has its layers as a property; a layer of one's own may have a list of that name."""
    return isinstance(getattr(type(layer), "layers", None), property)


def has_weights(layer: Any) -> bool:
    return any(not is_seed(variable) for variable in layer.weights)


def snake_case(class_name: str) -> str:
    """The name that Keras gives a layer of a class: conv2d for Conv2D, p_re_lu for PReLU."""
    words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", class_name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()


def canonical(base: str) -> str:
    """One name for all the classes that have the same weights."""
    return SAME_WEIGHTS.get(base, base)


def _below(layer: Any) -> Iterator[Any]:
    for each in layer._flatten_layers():
        if each is not layer:
            yield each


def _leaf(owner: Any, label: str, top: Any, variables: list[Variable]) -> Leaf:
    where = label if owner is top else f"{label}/{owner.name}"
    return Leaf(where, str(owner.name), owner, tuple(variables))
