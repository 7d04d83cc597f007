"""Lambda layers of a file that the operator vouches for, written as Keras 3 reads them."""

from typing import Any

from service.base.strict_json import Json

# Beside each function Keras 2 wrote what kind it was and where it came from.
BESIDE = ("function_type", "module", "output_shape_type", "output_shape_module")
FUNCTIONS = ("function", "output_shape", "mask")
CODE_PARTS = 3  # code, defaults, closure


def with_lambdas(config: Any) -> Any:
    """The configuration with each Lambda of Keras 1 and 2 in the form of Keras 3; no code runs."""
    if isinstance(config, list):
        return [with_lambdas(item) for item in config]
    if not isinstance(config, dict):
        return config
    copy = {key: with_lambdas(item) for key, item in config.items()}
    if copy.get("class_name") == "Lambda" and isinstance(copy.get("config"), dict):
        copy |= {"module": "keras.layers", "registered_name": None}
        copy["config"] = _settings(copy["config"])
    return copy


def _settings(config: Json) -> Json:
    types = {key: config.get(f"{key}_type", "lambda") for key in FUNCTIONS}
    kept = {key: value for key, value in config.items() if key not in BESIDE}
    for key in FUNCTIONS:
        value = kept.get(key)
        if types[key] == "lambda" and _is_code(value):
            # Whole as it is: Keras makes a tuple of the defaults only when it takes it apart.
            told = {"code": value, "defaults": None, "closure": None}
            kept[key] = {"class_name": "__lambda__", "config": told}
        elif value is None:
            kept.pop(key, None)
    return kept


def _is_code(value: Any) -> bool:
    return isinstance(value, list) and len(value) == CODE_PARTS and isinstance(value[0], str)
