"""What every child process does around its task: read it, confine itself, leave one result.

The folder of a child holds `task.json` from its parent; the child prints one line a stage and
writes `result.json`. It is killed without harm at any moment: only a complete result counts.
"""

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from service.base.confinement import Limits, confine
from service.base.errors import KerasdError

TASK = "task.json"
RESULT = "result.json"
NO_ROOM = 75  # the exit code of one that met a full disk, for it can't write that down

Record = dict[str, Any]


def run_task(
    folder: Path,
    perform: Callable[[Record, Path], Record],
    too_large: Callable[[int], KerasdError],
) -> None:
    """Do the task in the folder, within the limits it names, and write its result.

    What `perform` returns is the result; an error of ours, or `too_large` of the limit in MiB when
    memory ends, becomes a result that isn't ok. Any other error ends the process without one.
    """
    try:
        _run(folder, perform, too_large)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        os._exit(NO_ROOM)  # an end in good order would fail to flush what is printed, and say so


def _run(
    folder: Path,
    perform: Callable[[Record, Path], Record],
    too_large: Callable[[int], KerasdError],
) -> None:
    task = orjson.loads((folder / TASK).read_bytes())
    confine(Limits(**task["limits"]), task["parent"])
    scratch = folder / "tmp"
    scratch.mkdir(exist_ok=True)
    tempfile.tempdir = str(scratch)
    try:
        result = {"ok": True, **perform(task, folder)}
    except KerasdError as error:
        result = _failure(error)
    except MemoryError:
        result = _failure(too_large(task["limits"]["address_space"] // 1024**2))
    _write(folder / RESULT, result)


def report(stage: str) -> None:
    """Tell the parent what is being done."""
    print(stage, flush=True)


def _failure(error: KerasdError) -> Record:
    return {"ok": False, "code": error.code, "message": str(error)}


def _write(path: Path, result: Record) -> None:
    partial = path.with_suffix(".part")
    partial.write_bytes(orjson.dumps(result))
    os.replace(partial, path)
