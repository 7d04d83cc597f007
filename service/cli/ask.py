"""`kerasd predict` and `kerasd models`: small clients of the running service."""

import csv
from pathlib import Path
from typing import Any

import click
import numpy as np
import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from service.base.refusals import FileBroken
from service.base.signature import Tensors
from service.client import Client, Prediction

TIMEOUT_S = 60
SHOWN_VALUES = 5


def predict_command(url: str, model: str, version: int | None, source: Path, as_json: bool) -> None:
    """Send the rows of a file and print a table. Raises ServiceRefused or ServiceUnreachable."""
    rows = read_rows(source)
    with _client(url) as client:
        if as_json:
            _print_json(client.predict_json(model, rows, version))
        else:
            _print_predictions(client.predict(model, rows, version))


def models_command(url: str, as_json: bool) -> None:
    """Print every version and its state."""
    with _client(url) as client:
        if as_json:
            _print_json(client.ask("GET", "/v1/models"))
            return
        versions = client.models()
    table = Table("model", "version", "state", "served", "reason")
    for row in versions:
        is_loaded = row.get("loaded", False)
        served = "" if not row.get("served") else "yes" if is_loaded else "loading"
        cells = [str(row.get(key, "")) for key in ("model", "version", "state")]
        table.add_row(*cells, served, escape(row.get("reason", "")))
    Console().print(table)


def read_rows(source: Path) -> Any:
    """The instances in a file, by its suffix. Raises FileBroken."""
    try:
        if source.suffix == ".npy":
            return np.load(source, allow_pickle=False).tolist()
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


def _client(url: str) -> Client:
    """A person waits: whoever wants it tried again can do so."""
    return Client(url, timeout_s=TIMEOUT_S, retries=0)


def _print_json(answer: Any) -> None:
    click.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2))


def _print_predictions(answer: Prediction) -> None:
    if answer.decisions:
        table = Table("row", "class", "label", "score", "margin")
        for index, decision in enumerate(answer.decisions):
            table.add_row(
                str(index),
                str(decision.class_index),
                escape(decision.label),
                f"{decision.score:.4f}",
                "" if decision.margin is None else f"{decision.margin:.4f}",
            )
    else:
        table = Table("row", "prediction")
        for index, values in enumerate(_rows(answer.predictions)):
            table.add_row(str(index), escape(_short(values)))
    Console().print(table)
    click.echo(f"version {answer.model_version}")


def _rows(predictions: np.ndarray | Tensors) -> list[Any]:
    """One instance after the other, as plain values."""
    if isinstance(predictions, np.ndarray):
        return list(predictions.tolist())
    columns = {name: array.tolist() for name, array in predictions.items()}
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def _short(values: Any) -> str:
    if isinstance(values, list) and len(values) > SHOWN_VALUES:
        return f"{values[:SHOWN_VALUES]} ... ({len(values)} values)"
    return str(values)
