"""What commands over files share: which files make a version, and the child that does the work."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from service.base.aside import aside
from service.base.child import Child
from service.base.compiled import digest_file
from service.base.custom_state import custom_options
from service.base.load_options import LoadOptions
from service.base.refusals import FileBroken, FileRefused
from service.base.settings import Settings
from service.base.state_dir import make_folder
from service.base.strict_json import Json
from service.controller.run import child_limits
from service.repository.layout import files_below, scan
from service.repository.manifest import check_published

POLL_S = 0.05

Keep = Callable[[Path], None]


def gather(paths: tuple[Path, ...]) -> dict[str, Path]:
    """The files of one version: those named, or what belongs to the one that is.

    Raises FileBroken when there are none, or when they aren't what was published.
    """
    for path in paths:
        if not path.is_file() and not path.is_dir():
            raise FileBroken(path.name, "is no regular file")
    if len(paths) > 1:
        for path in paths:
            if path.is_dir():
                raise FileBroken(path.name, "is a folder; name it alone, or the files themselves")
        if len({path.name for path in paths}) < len(paths):
            raise FileBroken(paths[0].name, "two of the files have the same name")
        return {path.name: path.resolve() for path in paths}
    if paths[0].is_dir():
        files = files_below(paths[0])
        check_published(paths[0], {name: digest_file(path) for name, path in files.items()})
        return files
    found = scan(paths[0])[0]
    if not found.files:
        raise FileBroken(paths[0].name, "is no regular file")
    return {file.name: file.path for file in found.files}


def options_of(settings: Settings, **told: Any) -> LoadOptions:
    """The custom classes of the settings, and what the command line says beside them."""
    given = {key: value for key, value in told.items() if value is not None}
    return replace(custom_options(settings), **given)


def task_for(kind: str, files: dict[str, Path], settings: Settings, options: LoadOptions) -> Json:
    """The record of a child's task over these files."""
    return {
        "kind": kind,
        "files": {name: str(path.absolute()) for name, path in files.items()},
        "digests": {name: digest_file(path) for name, path in files.items()},
        "key": "",
        "options": options.as_json(),
        "warm_up_s": settings.warm_up_s,
    }


def run_task(
    task: Json, settings: Settings, stages: Sequence[str], keep: Keep | None = None
) -> Json:
    """Run a child with a progress bar on standard error; `keep` takes what it left, on success.

    Raises FileRefused with the child's reason.
    """
    make_folder(settings.run_dir, settings.state_dir)
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
            bar = progress.add_task(str(task["kind"]), total=len(stages))
            while (outcome := child.poll(time.monotonic())) is None:
                stage = child.stage()
                done = stages.index(stage) if stage in stages else 0
                progress.update(bar, completed=done, description=stage)
                time.sleep(POLL_S)
        if not outcome.ok or outcome.result is None:
            raise FileRefused(outcome.message)
        if keep is not None:
            keep(child.folder)
        return outcome.result
    finally:
        child.kill()
        child.clean()


def move_into_place(source: Path, target: Path) -> None:
    """Move a finished file to where it was asked for, whole or not at all."""
    with aside(target) as partial:
        shutil.copyfile(source, partial)
        partial.replace(target)
