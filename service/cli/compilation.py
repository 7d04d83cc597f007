"""`kerasd compile`: compile files into the cache, verified against TensorFlow."""

from functools import partial
from pathlib import Path

import click
from rich.console import Console

from service.base.compiled import Compiled, cache_key, publish, read_compiled
from service.base.load_options import LoadOptions
from service.base.settings import Settings
from service.base.signature import TensorSpec, shape_text
from service.cli.tasks import gather, run_task, task_for
from service.cli.terminal import plain

STAGES = ("start", "inspect", "import", "load", "run", "compile", "write")


def compile_command(
    paths: tuple[Path, ...], as_json: bool, settings: Settings, options: LoadOptions
) -> None:
    """Compile and verify the files into the cache. Raises FileRefused with the reason."""
    task = task_for("compile", gather(paths), settings, options)
    task["key"] = cache_key(task["digests"], options.key())
    target = settings.compiled_path / task["key"]
    run_task(task, settings, STAGES, partial(_publish, target))
    if as_json:
        click.echo((target / "compiled.json").read_bytes())
        return
    _print(read_compiled(target), target)


def _publish(target: Path, folder: Path) -> None:
    publish(folder / "compiled", target)


def _print(compiled: Compiled, target: Path) -> None:
    console = Console()
    console.print(f"runtime     {compiled.runtime} (built by {compiled.engine})", highlight=False)
    ends = (("input", compiled.signature.inputs), ("output", compiled.signature.outputs))
    for title, specs in ends:
        for spec in specs:
            console.print(f"{title:11} {plain(_spec(spec))}", highlight=False)
    console.print(f"verified    relative error {compiled.max_relative_error:.1e}")
    for note in compiled.notes:
        console.print(f"note        {plain(note)}", soft_wrap=True, highlight=False)
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    console.print(f"written to  {target} ({size:,} bytes)", soft_wrap=True)


def _spec(spec: TensorSpec) -> str:
    return f"{spec.name} {spec.dtype} {shape_text(spec.shape)}"
