"""`kerasd inspect` and `kerasd compile`: look at files in a confined child process."""

import time
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from service.base.compiled import Compiled, cache_key, digest_file, publish, read_compiled
from service.base.errors import FileBroken, FileRefused
from service.base.settings import Settings
from service.base.signature import TensorSpec, shape_text
from service.controller.child import Child
from service.controller.run import child_limits
from service.repository.layout import scan

POLL_S = 0.05
STAGES = ("start", "inspect", "import", "load", "compile", "write")


def inspect_command(paths: tuple[Path, ...], as_json: bool, settings: Settings) -> None:
    """Print what is in the files. Raises FileRefused if they aren't a model."""
    files = gather(paths)
    result = _run({"kind": "inspect", "files": _texts(files)}, settings, "inspect")
    report = result["inspection"]
    if as_json:
        click.echo(orjson.dumps(report, option=orjson.OPT_INDENT_2))
        return
    _print_report(report, Console())


def compile_command(paths: tuple[Path, ...], as_json: bool, settings: Settings) -> None:
    """Compile and verify the files into the cache. Raises FileRefused with the reason."""
    files = gather(paths)
    digests = {name: digest_file(path) for name, path in files.items()}
    key = cache_key(digests)
    target = settings.compiled_dir / key
    task = {"kind": "compile", "files": _texts(files), "digests": digests, "key": key}
    _run(task, settings, "compile", target)
    compiled = read_compiled(target)
    if as_json:
        click.echo((target / "compiled.json").read_bytes())
        return
    _print_compiled(compiled, target)


def plain(text: object) -> str:
    """A text out of a file, for the terminal: no markup, no control characters."""
    return escape("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text)))


def gather(paths: tuple[Path, ...]) -> dict[str, Path]:
    """The files of one version: those named, or what belongs to the one that is."""
    for path in paths:
        if not path.is_file() and not path.is_dir():
            raise FileBroken(path.name, "is no regular file")
    if len(paths) == 1:
        if paths[0].is_dir():
            files = {path.name: path for path in sorted(paths[0].iterdir()) if path.is_file()}
            return files
        found = scan(paths[0])[0]
        if not found.files:
            raise FileBroken(paths[0].name, "is no regular file")
        return {file.name: file.path for file in found.files}
    return {path.name: path.resolve() for path in paths}


def _texts(files: dict[str, Path]) -> dict[str, str]:
    return {name: str(path) for name, path in files.items()}


def _run(
    task: dict[str, Any], settings: Settings, title: str, target: Path | None = None
) -> dict[str, Any]:
    """Run a child with a progress bar on standard error; move what it compiled to `target`."""
    child = Child(
        task,
        child_limits(settings),
        settings.compile_timeout_s,
        settings.run_dir / "commands",
        time.monotonic(),
    )
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            bar = progress.add_task(title, total=len(STAGES))
            while (outcome := child.poll(time.monotonic())) is None:
                stage = child.stage()
                progress.update(bar, completed=STAGES.index(stage), description=stage)
                time.sleep(POLL_S)
        if not outcome.ok or outcome.result is None:
            raise FileRefused(outcome.message)
        if target is not None:
            publish(child.folder / "compiled", target)
        return outcome.result
    finally:
        child.kill()
        child.clean()


def _print_report(report: dict[str, Any], console: Console) -> None:
    console.print(f"format      {report['format']}")
    console.print(
        f"written by  Keras {plain(report['keras_version'] or '?')} {plain(report['backend'])}"
    )
    console.print(f"parameters  {report['parameters']:,}")
    table = Table("layer", "kind", "input shape")
    for layer in report["layers"]:
        shape = layer["shape"]
        table.add_row(
            plain(layer["name"]),
            plain(layer["kind"]),
            "" if shape is None else shape_text(tuple(shape)),
        )
    console.print(table)
    if report["training"]:
        loss = report["training"].get("loss")
        console.print(f"training    loss {plain(loss)}")
    for hazard in report["hazards"]:
        console.print(f"[red]hazard[/red]      {plain(hazard)}")
    if report["custom_classes"]:
        console.print(f"custom      {plain(', '.join(report['custom_classes']))}")
    is_refused = report["hazards"] or report["custom_classes"]
    console.print(
        "It can't be served as it is." if is_refused else "It can be served: kerasd serve"
    )


def _print_compiled(compiled: Compiled, target: Path) -> None:
    console = Console()
    console.print(f"runtime     {compiled.runtime}")
    for title, specs in (
        ("input", compiled.signature.inputs),
        ("output", compiled.signature.outputs),
    ):
        for spec in specs:
            console.print(f"{title:11} {_spec(spec)}", highlight=False)
    console.print(f"verified    relative error {compiled.max_relative_error:.1e}")
    for note in compiled.notes:
        console.print(f"note        {plain(note)}")
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    console.print(f"written to  {target} ({size:,} bytes)", soft_wrap=True)


def _spec(spec: TensorSpec) -> str:
    return f"{spec.name} {spec.dtype} {shape_text(spec.shape)}"
