"""A retrain's request out of a file and the command line: what is said last counts."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click
import orjson

from service.base.strict_json import Json

# Where in the request the value of an option stands.
PLACES: Mapping[str, tuple[str, ...]] = {
    "epochs": ("fit", "epochs"),
    "batch_size": ("fit", "batch_size"),
    "seed": ("fit", "seed"),
    "optimizer": ("compile", "optimizer"),
    "learning_rate": ("compile", "learning_rate"),
    "loss": ("compile", "loss"),
    "metric": ("compile", "metrics"),
    "class_weight": ("compile", "class_weight"),
    "label": ("data", "columns", "label"),
    "since": ("data", "from_feedback", "since"),
    "from_version": ("init", "version"),
    "freeze": ("init", "freeze"),
    "train_last": ("init", "freeze", "all_but_last"),
    "classes": ("init", "replace_head", "classes"),
    "promote": ("promote",),
    "priority": ("priority",),
    "description": ("description",),
}

# Of these only one can be meant: they are said in the same place.
EITHER = (("freeze", "train_last"), ("fresh", "weights"), ("data", "server_data"))


def read_request(path: Path | None) -> Json:
    """The request in a JSON file; an empty one without a file. Raises UsageError."""
    if path is None:
        return {}
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise click.UsageError(f"{path.name} can't be read as JSON: {error}") from error
    if not isinstance(found, dict):
        raise click.UsageError(f"{path.name}: expected a JSON object")
    return found


def with_options(request: Json, given: Mapping[str, Any]) -> Json:
    """The request with the options that were given; the others leave it as it is.

    Raises UsageError for two that exclude each other.
    """
    for pair in EITHER:
        if all(given.get(name) for name in pair):
            one, other = (f"--{name.replace('_', '-')}" for name in pair)
            raise click.UsageError(f"{one} and {other}: expected only one of them")
    for name, place in PLACES.items():
        value = given.get(name)
        if value not in (None, (), ""):
            put(request, place, list(value) if isinstance(value, tuple) else value)
    if given.get("from_feedback"):
        put(request, ("data", "from_feedback"), request.get("data", {}).get("from_feedback") or {})
    if given.get("fresh"):
        put(request, ("init", "from"), "architecture")
    if given.get("patience") is not None:
        stop = {"patience": given["patience"], "restore_best_weights": True}
        put(request, ("callbacks", "EarlyStopping"), stop)
    return request


def with_settings(request: Json, settings: Iterable[str]) -> Json:
    """The request with `a.b.c=VALUE` put in; a value is JSON, or else the text that it is."""
    for setting in settings:
        path, equals, text = setting.partition("=")
        parts = tuple(path.split("."))
        if not equals or not all(parts):
            raise click.UsageError(f"--set {setting}: expected NAME.NAME=VALUE")
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            value = text
        put(request, parts, value)
    return request


def put(request: Json, place: tuple[str, ...], value: Any) -> None:
    """Set a value deep inside; what is no object on the way there becomes one."""
    inner = request
    for name in place[:-1]:
        if not isinstance(inner.get(name), dict):
            inner[name] = {}
        inner = inner[name]
    inner[place[-1]] = value
