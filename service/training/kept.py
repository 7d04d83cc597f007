"""What the steps of a job leave for its later attempts: whole and durable, or not there at all."""

import os
from collections.abc import Callable
from pathlib import Path

import orjson

from service.base.aside import aside
from service.base.durable import storing, sync
from service.base.strict_json import Json

START, REPORT = "start.json", "report.json"  # what a job begins with, and what it ends with
WHERE = "jobs' folder"


def read_kept(path: Path) -> Json | None:
    """The record of a step that was done; none if it wasn't."""
    try:
        record: Json = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    return record


def keep(path: Path, record: Json) -> Json:
    """Write the record of a step. Raises StorageFull, Conflict."""
    with storing(WHERE), aside(path) as partial:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            stream.write(orjson.dumps(record, option=orjson.OPT_INDENT_2))
            stream.flush()
            os.fsync(stream.fileno())
        partial.rename(path)
        sync(path.parent)
    return record


def keep_folder(path: Path, write: Callable[[Path], None], check: Callable[[], None]) -> Path:
    """The folder of a step: `write` fills it aside, `check` may still refuse, then it is renamed.

    A folder that is there already was finished by an earlier attempt, and is left as it is.
    Raises StorageFull, Conflict, and what the two raise.
    """
    if path.is_dir():
        return path
    with storing(WHERE), aside(path) as partial:
        partial.mkdir(parents=True)
        write(partial)
        for parent, _, names in os.walk(partial, topdown=False):
            for name in names:
                sync(Path(parent) / name)
            sync(Path(parent))
        check()
        partial.rename(path)
        sync(path.parent)
    return path
