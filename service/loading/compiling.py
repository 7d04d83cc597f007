"""One version from its source files to a compiled folder; runs whole in a child process."""

import hashlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from service.base.compiled import (
    ONNX_FILE,
    SAVED_MODEL,
    Compiled,
    Runtime,
    digest_file,
    digest_tree,
)
from service.base.errors import CompileFailed, FileBroken
from service.loading.inspection import Inspection, inspect_files

Progress = Callable[[str], None]
STAGES = ("inspect", "import", "load", "compile", "write")


def compile_version(
    files: Mapping[str, Path], digests: Mapping[str, str], key: str, target: Path, report: Progress
) -> tuple[Inspection, Compiled]:
    """Inspect, build, convert, verify; leave the compiled folder at `target`.

    Raises FileRefused with the reason. Nothing but `target` is written.
    """
    started = time.monotonic()
    report("inspect")
    _check_digests(files, digests)
    inspection = inspect_files(files)
    inspection.refuse_if_unsafe()
    report("import")
    from service.loading import build, convert, trace  # TensorFlow: only for what passed

    report("load")
    model, notes = build.build(inspection, files)
    with build.refusing(inspection.architecture_file):
        traced = trace.TracedModel(model)
    report("compile")
    target.mkdir(parents=True)
    error = 0.0
    runtime: Runtime = "onnx"
    try:
        converted = convert.convert(traced)
        (target / ONNX_FILE).write_bytes(converted.onnx)
        error = converted.max_relative_error
        file_digests = {ONNX_FILE: hashlib.sha256(converted.onnx).hexdigest()}
    except convert.ConversionFailed as failure:
        notes = [*notes, f"served by TensorFlow: {failure}"]
        trace.export(traced, target / SAVED_MODEL)
        runtime, file_digests = "tensorflow", digest_tree(target)
    report("write")
    compiled = Compiled(
        key=key,
        runtime=runtime,
        signature=traced.signature,
        files=file_digests,
        format=inspection.format,
        keras_version=inspection.keras_version,
        parameters=inspection.parameters,
        max_relative_error=error,
        notes=tuple(notes),
        took_s=round(time.monotonic() - started, 3),
    )
    compiled.write(target)
    return inspection, compiled


def _check_digests(files: Mapping[str, Path], digests: Mapping[str, str]) -> None:
    """The files must be those that the key was made of. Raises CompileFailed if one changed."""
    for name, digest in digests.items():
        try:
            if digest_file(files[name]) != digest:
                raise CompileFailed(f"{name} changed while it was being read")
        except OSError as error:
            raise FileBroken(name, f"can't be read: {error}") from error
