"""The program of a child process that looks at a version's files, or compiles them.

    python -m service.loading.child FOLDER [ENGINE]

reads FOLDER/task.json, confines itself, prints one line a stage, and writes FOLDER/result.json.
Where Keras 3 can't build an old file, the process replaces itself by one with the fallback
engine; its limits stay.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from service.base.confinement import narrow_memory, widen_memory
from service.base.load_options import LoadOptions
from service.base.refusals import ClassesMissing, CompileFailed, ModelUnsupported, WeightsMismatch
from service.base.settings import fallback_environment
from service.base.task import Record, report, run_task

FIRST_REFUSAL = "first_refusal"
INSPECT_S = 60.0
INSPECT_BYTES = 2 * 1024**3  # of addresses; the interpreter and its libraries take half a gigabyte


def main() -> int:
    """Do the task in the folder named on the command line."""
    engine = sys.argv[2] if len(sys.argv) > 2 else "keras"
    run_task(Path(sys.argv[1]), lambda task, folder: _perform(task, folder, engine), _too_large)
    return 0


def _perform(task: Record, folder: Path, engine: Any) -> Record:
    files = {name: Path(path) for name, path in task["files"].items()}
    options = LoadOptions.from_json(task.get("options", {}))
    from service.loading.advice import next_steps
    from service.loading.inspection import inspect_files

    reporter = _Reporter(task.get("warm_up_s", 0))
    if task["kind"] in ("inspect", "check"):
        reporter.report("inspect")
        inspection = inspect_files(files, options.signature)
        if task["kind"] == "check":  # as compiling does, which can't be had without TensorFlow
            _refuse(inspection, options)
        digest = task.get("digests", {}).get(inspection.architecture_file, "")
        return {"inspection": inspection.report(), "next_steps": next_steps(inspection, digest)}
    from service.loading.compiling import Sources, compile_version

    first = folder / FIRST_REFUSAL
    why = first.read_text() if first.exists() else ""
    sources = Sources(files, task["digests"], task["key"], options, engine, why)
    if task["kind"] == "convert":
        from service.loading.modern_file import write_modern

        return {"conversion": write_modern(sources, folder, reporter.report).as_json()}
    try:
        inspection, compiled = compile_version(sources, folder / "compiled", reporter.report)
    except ClassesMissing:
        raise
    except (ModelUnsupported, WeightsMismatch) as error:
        _fall_back(error, sources, folder)
        raise
    return {"inspection": inspection.report(), "notes": list(compiled.notes)}


def _refuse(inspection: Any, options: LoadOptions) -> None:
    """Raise what compiling would raise before Keras sees the file."""
    from service.loading.custom import are_any_registered

    inspection.refuse_if_unsafe()
    if not are_any_registered(options):
        inspection.refuse_if_unregistered(inspection.custom_classes)


def _fall_back(error: ModelUnsupported | WeightsMismatch, sources: Any, folder: Path) -> None:
    """Start anew with tf_keras where that may help; else return, or tell what either engine said.

    Weights that don't fit are another engine's matter only where the model has custom classes:
    these may build other variables there.
    """
    from service.loading.inspection import inspect_files

    if sources.engine != "keras":
        raise ModelUnsupported(
            error.name, f"{error.why} (with tf_keras; with Keras 3: {sources.why_not_keras})"
        ) from error
    inspection = inspect_files(sources.files, sources.options.signature)
    is_ours = isinstance(error, ModelUnsupported) or bool(inspection.custom_classes)
    if inspection.is_legacy and is_ours:
        (folder / FIRST_REFUSAL).write_text(error.why)
        program = [sys.executable, "-P", "-m", "service.loading.child", str(folder), "tf_keras"]
        os.execve(sys.executable, program, fallback_environment())  # noqa: S606


def _too_large(limit_mib: int) -> CompileFailed:
    return CompileFailed(
        f"it needs more memory than it may have: {INSPECT_BYTES // 1024**2} MiB of addresses while "
        f"it is looked at, then the {limit_mib} MiB of compile_memory_mb"
    )


class _Reporter:
    """Prints each stage; looking at files and a model's first runs have time limits of their own.

    libhdf5 has met files on which it never ended.
    """

    def __init__(self, warm_up_s: float) -> None:
        self._warm_up_s = warm_up_s

    def report(self, stage: str) -> None:
        """Print the stage. Where a stranger's file is at work an alarm will end the process."""
        report(stage)
        if stage == "inspect":
            narrow_memory(INSPECT_BYTES)
        else:
            widen_memory()
        limits = {"inspect": INSPECT_S, "run": self._warm_up_s}
        signal.setitimer(signal.ITIMER_REAL, limits.get(stage, 0))


if __name__ == "__main__":
    sys.exit(main())
