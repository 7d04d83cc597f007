"""Mend how a model was trained: the names of optimizer arguments, losses and metrics of Keras 2."""

import copy
from typing import Any

from service.base.strict_json import Json

ARGUMENTS = {"lr": "learning_rate"}
GONE = ("decay", "schedule_decay", "is_legacy_optimizer", "jit_compile")
FUNCTIONS = {
    "cosine": "cosine_similarity",
    "cosine_proximity": "cosine_similarity",
    "CosineProximity": "CosineSimilarity",
}


def upgrade_training(training_config: Json) -> Json:
    """A training configuration whose names Keras 3 knows; the original is kept."""
    config = copy.deepcopy(training_config)
    for key in ("optimizer_config", "optimizer"):
        optimizer = config.get(key)
        settings = optimizer.get("config") if isinstance(optimizer, dict) else None
        if isinstance(settings, dict):
            _upgrade_optimizer(settings)
    for key in ("loss", "metrics", "weighted_metrics"):
        if key in config:
            config[key] = _renamed(config[key])
    return config


def _upgrade_optimizer(settings: Json) -> None:
    for old, new in ARGUMENTS.items():
        if old in settings:
            settings.setdefault(new, settings[old])
            del settings[old]
    for key in GONE:
        settings.pop(key, None)


def _renamed(value: Any) -> Any:
    if isinstance(value, str):
        return FUNCTIONS.get(value, value)
    if isinstance(value, list):
        return [_renamed(item) for item in value]
    if isinstance(value, dict):
        return {key: _renamed(item) for key, item in value.items()}
    return value
