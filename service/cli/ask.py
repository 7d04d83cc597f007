"""`kerasd predict`: a small client of the running service."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import numpy as np
import orjson

from service.base.refusals import FileBroken
from service.base.settings import read_settings
from service.base.signature import Tensors
from service.cli.terminal import print_table
from service.client import Client, Prediction

TIMEOUT_S = 60
SHOWN_VALUES = 5


def predict_command(
    client: Client, model: str, version: int | None, source: Path, as_json: bool
) -> None:
    """Send the rows of a file and print a table. Raises ServiceRefused or ServiceUnreachable."""
    rows = read_rows(source)
    with client:
        if as_json:
            print_json(client.predict_json(model, rows, version))
        else:
            _print_predictions(client.predict(model, rows, version))


def read_rows(source: Path) -> Any:
    """The instances in a file, by its suffix. Raises FileBroken."""
    try:
        if source.suffix == ".npy":
            return np.load(source, allow_pickle=False).tolist()
        if source.suffix == ".json":
            return _read_json(source)
        return _read_csv(source)
    except (OSError, ValueError) as error:
        raise FileBroken(source.name, f"can't be read as rows: {error}") from error


def _read_json(source: Path) -> Any:
    """A list of rows, or a request's body with one."""
    content = orjson.loads(source.read_bytes())
    if not isinstance(content, dict):
        return content
    if "instances" not in content:
        raise ValueError(f"expected a list, or an object with instances, got {[*content][:5]}")
    return content["instances"]


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


def open_client(url: str | None, key: str | None) -> Client:
    """A client of the service that the settings name, unless the command line names another.

    A person waits: whoever wants it tried again can do so. Raises UsageError for a wrong address.
    """
    settings = read_settings()
    key = key or settings.api_key.get_secret_value()
    try:
        return Client(url or settings.url, key or None, timeout_s=TIMEOUT_S, retries=0)
    except ValueError as error:
        raise click.UsageError(f"--{error}") from error


def print_json(answer: Any) -> None:
    """As the service wrote it, with line breaks."""
    click.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2))


def _print_predictions(answer: Prediction) -> None:
    head: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    if answer.decisions:
        head = ("class", "label", "score", "margin")
        rows = [
            (one.class_index, one.label, _digits(one.score), _digits(one.margin))
            for one in answer.decisions
        ]
    elif answer.choices:
        head = ("classes", "labels", "scores")
        rows = [
            (_listed(one.class_indices), _listed(one.labels), _listed(map(_digits, one.scores)))
            for one in answer.choices
        ]
    else:
        head = ("prediction",)
        rows = [(_short(values),) for values in _rows(answer.predictions)]
    print_table(("row", *head), ((index, *row) for index, row in enumerate(rows)))
    click.echo(f"version {answer.model_version}")


def _rows(predictions: np.ndarray | Tensors) -> list[Any]:
    """One instance after the other, as plain values."""
    if isinstance(predictions, np.ndarray):
        return list(predictions.tolist())
    columns = {name: array.tolist() for name, array in predictions.items()}
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def _digits(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _listed(values: Iterable[object]) -> str:
    return ", ".join(map(str, values))


def _short(values: Any) -> str:
    if isinstance(values, list) and len(values) > SHOWN_VALUES:
        return f"{values[:SHOWN_VALUES]} ... ({len(values)} values)"
    return str(values)
