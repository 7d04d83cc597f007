"""The program of a child process: one task, given as a file, answered by a file.

    python -m service.loading.child FOLDER

reads FOLDER/task.json, confines itself, prints one line a stage, and writes FOLDER/result.json.
It is killed without harm at any moment: only a complete result counts.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import orjson

from service.base.confinement import Limits, confine
from service.base.errors import FileRefused

TASK = "task.json"
RESULT = "result.json"


def main() -> int:
    """Do the task in the folder named on the command line."""
    folder = Path(sys.argv[1])
    task = orjson.loads((folder / TASK).read_bytes())
    confine(Limits(**task["limits"]), task["parent"])
    scratch = folder / "tmp"
    scratch.mkdir(exist_ok=True)
    tempfile.tempdir = str(scratch)
    try:
        result = _perform(task, folder)
    except FileRefused as error:
        result = {"ok": False, "code": error.code, "message": str(error)}
    except MemoryError:
        limit = task["limits"]["address_space"] // 1024**2
        why = f"it needs more than the {limit} MiB that compile_memory_mb allows"
        result = {"ok": False, "code": "compile_failed", "message": why}
    _write(folder / RESULT, result)
    return 0


def _perform(task: dict[str, Any], folder: Path) -> dict[str, Any]:
    files = {name: Path(path) for name, path in task["files"].items()}
    if task["kind"] == "inspect":
        from service.loading.inspection import inspect_files

        inspection = inspect_files(files)
        return {"ok": True, "inspection": inspection.report()}
    from service.loading.compiling import compile_version

    inspection, _ = compile_version(
        files, task["digests"], task["key"], folder / "compiled", _report
    )
    return {"ok": True, "inspection": inspection.report()}


def _report(stage: str) -> None:
    print(stage, flush=True)


def _write(path: Path, result: dict[str, Any]) -> None:
    partial = path.with_suffix(".part")
    partial.write_bytes(orjson.dumps(result))
    os.replace(partial, path)


if __name__ == "__main__":
    sys.exit(main())
