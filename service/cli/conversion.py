"""`kerasd convert`: write an old model as a file that today's Keras opens by itself."""

from functools import partial
from pathlib import Path

import click
import orjson
from rich.console import Console

from service.base.load_options import LoadOptions
from service.base.refusals import FileBroken
from service.base.settings import Settings
from service.cli.tasks import gather, move_into_place, run_task, task_for
from service.cli.terminal import plain

CONVERTED = "converted.keras"
STAGES = ("start", "inspect", "import", "load", "write", "verify")


def convert_command(
    paths: tuple[Path, ...], target: Path, as_json: bool, settings: Settings, options: LoadOptions
) -> None:
    """Convert the files into `target`. Raises FileRefused; nothing is overwritten."""
    if target.suffix != ".keras":
        raise FileBroken(target.name, "the new file's name must end in .keras")
    if target.exists():
        raise FileBroken(target.name, "there is such a file already; choose another name")
    if not target.absolute().parent.is_dir():
        raise FileBroken(target.name, f"there is no folder {target.parent} to write it in")
    task = task_for("convert", gather(paths), settings, options)
    result = run_task(task, settings, STAGES, partial(_keep, target))
    report = result["conversion"]
    if as_json:
        click.echo(orjson.dumps(report, option=orjson.OPT_INDENT_2))
        return
    console = Console()
    console.print(f"written     {target} for Keras {report['keras_version']}", soft_wrap=True)
    console.print(f"parameters  {report['parameters']:,}", highlight=False)
    for note in report["notes"]:
        console.print(f"note        {plain(note)}", soft_wrap=True, highlight=False)
    batches = ", ".join(str(rows) for rows in report["batches"])
    error = report["max_relative_error"]
    console.print(f"proved      same answers on batches of {batches}: relative error {error:.1e}")


def _keep(target: Path, folder: Path) -> None:
    move_into_place(folder / CONVERTED, target)
