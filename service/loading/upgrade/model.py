"""Upgrade a whole model: every rule over every layer, models within models included."""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from service.base.strict_json import Json
from service.loading.allow_list.allowed import LAYERS, MODELS
from service.loading.upgrade.activations import activation_form, custom_activation, hard_sigmoid
from service.loading.upgrade.defaults import gru_reset_after, recurrent_default, tell_bilinear
from service.loading.upgrade.era import is_modern, parse_era
from service.loading.upgrade.functional import renumber_calls, rewrite_calls, upgrade_functional
from service.loading.upgrade.keras_1 import (
    keras_1_arguments,
    keras_1_class,
    keras_1_ordering,
    keras_1_part,
    says_channels_first,
)
from service.loading.upgrade.layer_rules import (
    axis_list,
    batch_input_shape,
    cudnn,
    dtype_policy,
    gone_arguments,
    initializer_dtype,
    leaky_slope,
    numpy_value,
    only_keras_2,
    random_size,
    refused_class,
    thresholded_relu,
    versioned_class,
    versioned_part,
)
from service.loading.upgrade.mending import Mending
from service.loading.upgrade.merge import as_functional, begins_with_merge, keras_1_merge
from service.loading.upgrade.names import rename_slashes
from service.loading.upgrade.operations import is_tensorflow_function, upgrade_operation
from service.loading.upgrade.sequential import upgrade_sequential
from service.loading.upgrade.theano import OURS, theano_padding

KERAS_3 = LAYERS - {"ThresholdedReLU"}
Rule = Callable[[Json, Mending], bool]
WRAPPED = ("layer", "forward_layer", "backward_layer", "cell", "activation", "recurrent_activation")
# The order matters: classes and arguments of Keras 1 become those of Keras 2 first.
RULES: tuple[Rule, ...] = (
    refused_class,
    numpy_value,
    keras_1_class,
    keras_1_merge,
    keras_1_arguments,
    keras_1_ordering,
    keras_1_part,
    versioned_class,
    cudnn,
    batch_input_shape,
    dtype_policy,
    only_keras_2,
    gone_arguments,
    axis_list,
    leaky_slope,
    thresholded_relu,
    random_size,
    gru_reset_after,
    recurrent_default,
    activation_form,
    hard_sigmoid,
    custom_activation,
    initializer_dtype,
    versioned_part,
    tell_bilinear,
    theano_padding,
)


@dataclass(frozen=True, slots=True)
class Upgraded:
    """A configuration for `keras.saving.deserialize_keras_object` of Keras 3, and what was done.

    `rules` are those that changed something; `renamed` maps names of layers to those in the file;
    `dim_ordering` is "th" where an architecture of Keras 1 says so; `notes` are for people.
    """

    config: Json
    rules: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    dim_ordering: str = ""
    notes: tuple[str, ...] = ()


def upgrade(model: Json, keras_version: str, backend: str = "") -> Upgraded:
    """The configuration for Keras 3; the original is kept, one of Keras 3 is left as it is.

    `backend` is the one that the model was made for, as far as it is known.
    Raises ValueError that says what stands in the way.
    """
    if is_modern(model, keras_version):
        return Upgraded(_with_module(model))
    mending = Mending(parse_era(keras_version), backend=backend)
    mending.applied("modules")
    model = copy.deepcopy(model)
    try:
        mending.is_channels_first = says_channels_first(model)
        rename_slashes(model, mending)
        _upgrade_model(model, mending, is_nested=False)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(
            f"the configuration isn't built as Keras builds them ({reason})"
        ) from error
    return Upgraded(
        model,
        tuple(sorted(mending.rules)),
        mending.renamed,
        "th" if "th" in mending.orderings else "",
        tuple(mending.notes),
    )


def _with_module(model: Json) -> Json:
    """Keras 3 leaves the module of the model itself out of a whole .h5."""
    is_sequential = model["class_name"] == "Sequential"
    home = "keras" if is_sequential else "keras.src.models.functional"
    return {"module": home, "registered_name": None if is_sequential else "Functional", **model}


def _upgrade_model(model: Json, mending: Mending, is_nested: bool = True) -> None:
    if model["class_name"] == "Sequential" and begins_with_merge(model):
        as_functional(model, mending)
    if model["class_name"] == "Sequential":
        upgrade_sequential(model, mending, is_nested)
        for layer in model["config"]["layers"]:
            _upgrade_layer(layer, mending)
        return
    upgrade_functional(model, mending)
    graph = model["config"]
    for layer in graph["layers"]:
        if not is_tensorflow_function(layer):
            _upgrade_layer(layer, mending)
    renumber_calls(graph, mending)
    for layer in filter(is_tensorflow_function, graph["layers"]):
        upgrade_operation(layer)
        mending.applied("tensorflow_functions")
    rewrite_calls(graph, mending)


def _upgrade_layer(layer: Json, mending: Mending) -> None:
    if layer["class_name"] in MODELS:
        _upgrade_model(layer, mending)
        return
    kind = layer["class_name"]
    layer.pop("build_config", None)
    for rule in RULES:
        if rule(layer, mending):
            mending.applied(rule.__name__)
    is_ours = str(layer.get("registered_name")).startswith(OURS)
    if not is_ours and (kind != layer["class_name"] or kind in KERAS_3):
        layer |= {"module": "keras.layers", "registered_name": None}
    elif "module" not in layer:  # a custom class, to be found among those registered
        layer |= {"module": None, "registered_name": kind}
    _tell_unknown_steps(layer, mending)
    for inner in _wrapped(layer["config"]):
        _upgrade_layer(inner, mending)


def _wrapped(config: Json) -> Iterator[Json]:
    """Layers that stand within another one's settings, as activations too."""
    for key in WRAPPED:
        value = config.get(key)
        if isinstance(value, dict) and isinstance(value.get("config"), dict | list):
            yield value
    if isinstance(config.get("cells"), list):
        yield from config["cells"]


def _tell_unknown_steps(layer: Json, mending: Mending) -> None:
    inner = layer["config"].get("layer")
    is_model = isinstance(inner, dict) and inner.get("class_name") in MODELS
    if layer["class_name"] == "TimeDistributed" and is_model:
        mending.note(
            f"layer '{layer['config'].get('name')}' applies a whole model to every step; "
            "Keras 3 can't where the number of steps isn't known"
        )
