"""Rules for activations: the hard sigmoid whose formula changed, and names of other forms."""

from typing import Any

from service.base.strict_json import Json
from service.loading.allow_list.allowed import ACTIVATIONS
from service.loading.upgrade.mending import Mending

LEGACY_HARD_SIGMOID = "kerasd>legacy_hard_sigmoid"
KEYS = ("activation", "recurrent_activation")
# Under these names tf.keras 2.0 and 2.1 wrote what is called otherwise before and after.
RENAMED = {"softmax_v2": "softmax"}


def activation_form(layer: Json, _mending: Mending) -> bool:
    """A function given as an object becomes its name; it may stand under several class names."""
    found = False
    for key, value in _activations(layer):
        name = value.get("config") if isinstance(value, dict) else RENAMED.get(value)
        if isinstance(name, str) and name in ACTIVATIONS:
            layer["config"][key] = name
            found = True
    return found


def hard_sigmoid(layer: Json, _mending: Mending) -> bool:
    """Keras 1 and 2 computed clip(0.2 x + 0.5, 0, 1), Keras 3 relu6(x + 3) / 6."""
    found = [key for key, value in _activations(layer) if value == "hard_sigmoid"]
    for key in found:
        layer["config"][key] = _function(LEGACY_HARD_SIGMOID.split(">")[1], LEGACY_HARD_SIGMOID)
    return bool(found)


def custom_activation(layer: Json, _mending: Mending) -> bool:
    """A name that Keras doesn't have: in this form Keras 3 looks among registered functions."""
    found = [
        (key, value)
        for key, value in _activations(layer)
        if isinstance(value, str) and value not in ACTIVATIONS
    ]
    for key, name in found:
        layer["config"][key] = _function(name, name)
    return bool(found)


def _activations(layer: Json) -> list[tuple[str, Any]]:
    config = layer["config"]
    return [(key, config[key]) for key in KEYS if isinstance(config.get(key), str | dict)]


def _function(name: str, registered_name: str) -> Json:
    return {
        "module": "builtins",
        "class_name": "function",
        "config": name,
        "registered_name": registered_name,
    }
