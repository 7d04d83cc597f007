"""From the options of `kerasd batch-predict` to what a batch prediction is asked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import orjson
from pydantic import ValidationError

from service.base.faults import fault_text
from service.base.strict_json import Json
from service.recipe.batch import BatchOptions

KINDS = ("features", "ignore", "label", "weight", "time")
SINGLE = ("weight", "time")


def options_of(given: Mapping[str, Any]) -> BatchOptions:
    """The options of a run. Raises click.UsageError."""
    told: Json = {
        "format": given["format_"],
        "columns": columns_of(given["columns"]),
        "keep": given["keep"],
        "label_names": label_names_of(given["label_names"]),
        "prefix": given["prefix"],
        "batch_rows": given["batch_rows"],
        "skip_bad": given["skip_bad"],
    }
    try:
        return BatchOptions.model_validate(told)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"]))
        raise click.UsageError(f"{where}: {fault_text(fault)}") from error


def columns_of(given: tuple[str, ...]) -> Json:
    """`features=a,b` and the like; names with commas in them stand in a JSON list."""
    found: dict[str, list[str]] = {}
    for text in given:
        kind, is_there, names = text.partition("=")
        if kind not in KINDS or not is_there:
            raise click.UsageError(f"--columns {text}: expected {', '.join(KINDS)} and =NAME,...")
        found.setdefault(kind, []).extend(_names(names))
    columns: Json = {}
    for kind, listed in found.items():
        if kind in SINGLE and len(listed) != 1:
            raise click.UsageError(f"--columns {kind}: expected one column")
        columns[kind] = listed[0] if kind in SINGLE else listed
    return columns


def label_names_of(given: str | None) -> list[str]:
    """Names with commas between them, or the lines of a file."""
    if not given:
        return []
    path = Path(given)
    if path.is_file():
        return [line.strip() for line in path.read_text().splitlines() if line.strip()]
    return [name.strip() for name in given.split(",")]


def _names(text: str) -> list[str]:
    if text.startswith("["):
        try:
            return [str(name) for name in orjson.loads(text)]
        except ValueError as error:
            raise click.UsageError(f"--columns {text}: no list in JSON") from error
    return [name.strip() for name in text.split(",") if name.strip()]
