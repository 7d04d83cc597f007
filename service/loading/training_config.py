"""What a file says of its model's training, summed up for people."""

from typing import Any

from service.base.strict_json import Json
from service.loading.inspected import Training

MAX_TEXT = 200


def summarise(config: Any, has_optimizer_state: bool) -> Training:
    """Loss, metrics and optimizer of a training configuration of any era; odd ones are empty."""
    record: Json = config if isinstance(config, dict) else {}
    optimizer = record.get("optimizer_config", record.get("optimizer"))
    return Training(
        loss=_name(record.get("loss")),
        metrics=tuple(_names(record.get("metrics"))),
        optimizer=_name(optimizer),
        has_optimizer_state=has_optimizer_state,
    )


def _names(value: Any) -> list[str]:
    if isinstance(value, list):
        return [name for item in value for name in _names(item)][:20]
    if isinstance(value, dict) and "class_name" not in value:
        return [f"{_short(key)}: {_name(item)}" for key, item in value.items()][:20]
    return [_name(value)] if value is not None else []


def _name(value: Any) -> str:
    """The name by which people know a loss, metric or optimizer."""
    if isinstance(value, list):
        return ", ".join(dict.fromkeys(_name(item) for item in value[:20] if item is not None))
    if not isinstance(value, dict):
        return "" if value is None else _short(value)
    if "class_name" not in value:
        return ", ".join(f"{_short(key)}: {_name(item)}" for key, item in list(value.items())[:20])
    inner = value.get("config")
    if value["class_name"] == "function":
        return _short(inner)
    named = inner.get("fn") or inner.get("name") if isinstance(inner, dict) else None
    wrapped = ("MeanMetricWrapper", "LossFunctionWrapper")
    is_wrapper = value["class_name"] in wrapped and isinstance(named, str)
    return _short(named if is_wrapper else value["class_name"])


def _short(value: Any) -> str:
    return str(value)[:MAX_TEXT]
