"""Compile corpus files in child processes and compare, without a service: for developing.

python -m tests.corpus.check [NAME ...] [--tier smoke|full] [--cache DIR]
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from service.base.child import Child, Outcome
from service.base.compiled import digest_file, read_compiled
from service.base.load_options import LoadOptions
from service.base.settings import Settings
from service.controller.run import child_limits
from service.runtime.onnx import OnnxVersion
from tests.corpus.fetch import DEFAULT_CACHE, fetch
from tests.corpus.golden import MAX_DIFFERENCE, Golden, difference, read_golden
from tests.corpus.manifest import CLASSES, FOLDER, CorpusModel, read_manifest

TIMEOUT_S = 300.0
POLL_S = 0.05


def check(model: CorpusModel, cache: Path) -> str:
    """What became of one model, in one line that begins with `ok` or `FAILED`."""
    with tempfile.TemporaryDirectory() as folder:
        child = Child(
            compile_task(model, cache), child_limits(Settings()), TIMEOUT_S, Path(folder),
            time.monotonic(),
        )  # fmt: skip
        try:
            outcome = _wait(child)
            if model.golden is None:
                fits = not outcome.ok and model.refused_with in outcome.message
                return f"{'ok' if fits else 'FAILED'} refused: {outcome.message}"
            if not outcome.ok:
                return f"FAILED refused: {outcome.message}"
            return _compare(child.folder / "compiled", read_golden(model.golden))
        finally:
            child.kill()
            child.clean()


def compile_task(model: CorpusModel, cache: Path) -> Mapping[str, Any]:
    """What the controller would ask of a child."""
    files = {file.path: (cache / model.name / file.path).absolute() for file in model.part.files}
    options = LoadOptions(
        custom_objects=model.custom_objects,
        custom_objects_path=tuple(str(path) for path in class_folders(cache)),
    )
    return {
        "kind": "compile",
        "files": {name: str(path) for name, path in files.items()},
        "digests": {name: digest_file(path) for name, path in files.items()},
        "key": "key",
        "options": {**options.as_json(), **model.settings},
    }


def class_folders(cache: Path) -> tuple[Path, Path]:
    """Where the modules with custom classes lie: our own, and those out of packages."""
    return FOLDER / "classes", (cache / CLASSES).absolute()


def _wait(child: Child) -> Outcome:
    while (outcome := child.poll(time.monotonic())) is None:
        time.sleep(POLL_S)
    return outcome


def _compare(folder: Path, golden: Golden) -> str:
    compiled = read_compiled(folder)
    outputs = _run(folder, golden)
    try:
        worst = difference(golden, outputs)
    except ValueError as error:
        return f"FAILED {compiled.runtime}: {error} {compiled.notes}"
    fits = "ok" if worst <= MAX_DIFFERENCE else "FAILED"
    notes = ", ".join(compiled.notes)
    return f"{fits} {compiled.runtime} {worst:.1e} {compiled.took_s:.0f} s; {notes}"


def _run(folder: Path, golden: Golden) -> list[np.ndarray]:
    compiled = read_compiled(folder)
    inputs = golden.by_name(compiled.signature)
    if compiled.runtime == "onnx":
        return list(OnnxVersion(folder, compiled).run(inputs).values())
    from service.loading.exported import LoadedGraph

    outputs = LoadedGraph(folder).run(inputs).values()
    return [_texts(array) if array.dtype == object else array for array in outputs]


def _texts(array: np.ndarray) -> np.ndarray:
    return np.array([item.decode() for item in array.ravel()]).reshape(array.shape)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--tier", choices=("smoke", "full"), default="full")
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE)
    given = parser.parse_args()
    manifest = read_manifest()
    models = manifest.choose(given.tier, given.names)
    fetch(manifest.parts(models), manifest.packages, given.cache)
    failed = 0
    for model in models:
        line = check(model, given.cache)
        failed += line.startswith("FAILED")
        print(f"{model.name:28} {line}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
