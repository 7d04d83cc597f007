"""`kerasd predict` and `kerasd models`: small clients of the running service."""

import csv
from pathlib import Path
from typing import Any

import click
import numpy as np
import orjson
import requests
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from service.base.errors import ServiceRefused, ServiceUnreachable
from service.base.refusals import FileBroken

TIMEOUT_S = 60
SHOWN_VALUES = 5


def predict_command(url: str, model: str, version: int | None, source: Path, as_json: bool) -> None:
    """Send the rows of a file and print a table. Raises ServiceRefused or ServiceUnreachable."""
    path = f"/v1/models/{model}" + (f"/versions/{version}" if version else "")
    body = orjson.dumps({"instances": read_rows(source)}, option=orjson.OPT_SERIALIZE_NUMPY)
    answer = _ask("POST", f"{url}{path}:predict", body)
    if as_json:
        click.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2))
        return
    _print_predictions(answer)


def models_command(url: str, as_json: bool) -> None:
    """Print every version and its state."""
    answer = _ask("GET", f"{url}/v1/models")
    if as_json:
        click.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2))
        return
    table = Table("model", "version", "state", "served", "reason")
    for row in answer["versions"]:
        served = "yes" if row["served"] and row["loaded"] else "loading" if row["served"] else ""
        table.add_row(
            row["model"], str(row["version"]), row["state"], served, escape(row["reason"])
        )
    Console().print(table)


def read_rows(source: Path) -> Any:
    """The instances in a file, by its suffix. Raises FileBroken."""
    try:
        if source.suffix == ".npy":
            return np.load(source, allow_pickle=False)
        if source.suffix == ".json":
            content = orjson.loads(source.read_bytes())
            return content["instances"] if isinstance(content, dict) else content
        return _read_csv(source)
    except (OSError, ValueError, KeyError) as error:
        raise FileBroken(source.name, f"can't be read as rows: {error}") from error


def _read_csv(source: Path) -> list[list[float]]:
    """Numbers by line; a first line that isn't numbers is a header."""
    with source.open(newline="") as file:
        lines = [line for line in csv.reader(file) if line]
    if lines and not _is_numeric(lines[0]):
        lines = lines[1:]
    if not lines:
        raise ValueError("no rows")
    return [[float(cell) for cell in line] for line in lines]


def _is_numeric(cells: list[str]) -> bool:
    try:
        [float(cell) for cell in cells]
    except ValueError:
        return False
    return True


def _ask(method: str, url: str, body: bytes | None = None) -> dict[str, Any]:
    try:
        answer = requests.request(method, url, data=body, timeout=TIMEOUT_S)
    except requests.RequestException as error:
        raise ServiceUnreachable(url, type(error).__name__) from error
    try:
        record = orjson.loads(answer.content)
    except ValueError as error:
        raise ServiceRefused(answer.status_code, "no JSON; is it kerasd?") from error
    if answer.status_code != 200:
        raise ServiceRefused(answer.status_code, str(record.get("error", record)))
    assert isinstance(record, dict)
    return record


def _print_predictions(answer: dict[str, Any]) -> None:
    decisions = answer.get("decisions")
    if decisions is None:
        table = Table("row", "prediction")
        for index, values in enumerate(answer["predictions"]):
            table.add_row(str(index), escape(_short(values)))
    else:
        table = Table("row", "class", "label", "score", "margin")
        for index, decision in enumerate(decisions):
            table.add_row(
                str(index),
                str(decision["class_index"]),
                escape(decision.get("label", "")),
                f"{decision['score']:.4f}",
                f"{decision['margin']:.4f}",
            )
    Console().print(table)
    click.echo(f"version {answer['model_version']}")


def _short(values: Any) -> str:
    if isinstance(values, list) and len(values) > SHOWN_VALUES:
        return f"{values[:SHOWN_VALUES]} ... ({len(values)} values)"
    return str(values)
