"""`kerasd inspect`: tell people what is in a file, without running it."""

from pathlib import Path

import click
import orjson
from rich.console import Console

from service.base.settings import Settings
from service.base.signature import shape_text
from service.base.strict_json import Json
from service.cli.tasks import gather, options_of, run_task, task_for
from service.cli.terminal import plain, print_table

STAGES = ("start", "inspect")


def inspect_command(
    paths: tuple[Path, ...], as_json: bool, settings: Settings, signature: str | None = None
) -> None:
    """Print what is in the files. Raises FileRefused if they aren't a model."""
    task = task_for("inspect", gather(paths), settings, options_of(settings, signature=signature))
    result = run_task(task, settings, STAGES)
    report = {**result["inspection"], "next_steps": result["next_steps"]}
    if as_json:
        click.echo(orjson.dumps(report, option=orjson.OPT_INDENT_2))
        return
    _print(report, Console())


def _print(report: Json, console: Console) -> None:
    written_by = f"{report['era']} {report['keras_version']} {report['backend']}"
    _line(console, "format", report["format"])
    _line(console, "written by", written_by.strip() or "?")
    _line(console, "parameters", f"{report['parameters']:,}")
    for title, ends in (("input", report["inputs"]), ("output", report["outputs"])):
        for name, shape in ends.items():
            _line(console, title, f"{name} {_shape(shape)}".rstrip())
    if report["layers"]:
        _print_layers(report["layers"])
    _print_training(report["training"], console)
    for rule in report["rules"]:
        _line(console, "rule", rule)
    for kind in ("lambdas", "hazards", "faults", "unsupported", "odd_arguments"):
        for text in report[kind]:
            console.print(f"[red]{kind.rstrip('s'):11}[/red] {plain(text)}", soft_wrap=True)
    if report["custom_classes"]:
        _line(console, "custom", ", ".join(report["custom_classes"]))
    for step in report["next_steps"]:
        console.print(f"[bold]>[/bold] {plain(step)}", soft_wrap=True, highlight=False)


def _print_layers(layers: list[Json]) -> None:
    rows = []
    for layer in layers:
        count = layer["parameters"]
        told = "?" if count is None else f"{count:,}"
        rows.append((layer["name"], layer["kind"], _shape(layer["shape"]), told))
    print_table(("layer", "kind", "output shape", "parameters"), rows)


def _print_training(training: Json, console: Console) -> None:
    if training["loss"]:
        _line(console, "loss", training["loss"])
    if training["metrics"]:
        _line(console, "metrics", ", ".join(training["metrics"]))
    if training["optimizer"]:
        state = "with" if training["has_optimizer_state"] else "without"
        _line(console, "optimizer", f"{training['optimizer']}, {state} its state")


def _line(console: Console, title: str, text: object) -> None:
    console.print(f"{title:11} {plain(text)}", soft_wrap=True, highlight=False)


def _shape(shape: list[int | None] | None) -> str:
    return "" if shape is None else shape_text(tuple(shape))
