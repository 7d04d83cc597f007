"""One version from its source files to a compiled folder; runs whole in a child process."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from service.base.compiled import (
    ONNX_FILE,
    SAVED_MODEL,
    Compiled,
    digest_file,
    digest_tree,
)
from service.base.golden import GOLDEN_FILE, pack_golden
from service.base.load_options import LoadOptions
from service.base.refusals import CompileFailed, FileBroken
from service.loading.custom import are_any_registered, objects_for
from service.loading.inspected import Inspection
from service.loading.inspection import inspect_files

Progress = Callable[[str], None]
Engine = Literal["keras", "tf_keras"]
GOLDEN_ROWS = 2
GOLDEN_SEED = 31
NO_GRAPH = "TensorFlow runs it, whose operations are not examined"


@dataclass(frozen=True, slots=True)
class Sources:
    """The files of one version: paths and expected digests by name, and how they are opened.

    `key` names the result. `why_not_keras` is what Keras 3 said, when the fallback is at work.
    """

    files: Mapping[str, Path]
    digests: Mapping[str, str]
    key: str
    options: LoadOptions = field(default_factory=LoadOptions)
    engine: Engine = "keras"
    why_not_keras: str = ""


def compile_version(
    sources: Sources, target: Path, report: Progress
) -> tuple[Inspection, Compiled]:
    """Inspect, build, run, convert, verify; leave the compiled folder at `target`.

    Raises FileRefused with the reason. Nothing but `target` is written.
    """
    started = time.monotonic()
    report("inspect")
    _check_digests(sources)
    inspection = inspect_files(sources.files, sources.options.signature)
    name = inspection.architecture_file
    inspection.refuse_if_unsafe(sources.options.allow_lambda, sources.digests.get(name, ""))
    if not are_any_registered(sources.options):
        inspection.refuse_if_unregistered(inspection.custom_classes)
    report("import")
    traced, notes = _trace(inspection, sources, report)
    report("run")
    from service.loading.building import refusing
    from service.loading.tracing import warm_up

    length = warm_up.find_length(traced, name)
    with refusing(name):
        warm_up.check_trace(traced, length, name)
    warm_up.run_largest(traced, length, inspection.largest_activation, name)
    report("compile")
    with refusing(name):
        converted, more = _convert(traced, length, target)
    _write_golden(traced, length, target)
    report("run")
    warm_up.run_as_served(_runner(traced, target), traced.signature, length)
    report("write")
    compiled = Compiled(
        key=sources.key,
        runtime="onnx" if converted else "tensorflow",
        signature=traced.signature,
        files=digest_tree(target),
        format=inspection.format,
        keras_version=inspection.keras_version,
        parameters=inspection.parameters,
        max_relative_error=converted.max_relative_error if converted else 0.0,
        notes=(*notes, *more),
        took_s=round(time.monotonic() - started, 3),
        free_axis=length,
        engine="tensorflow" if inspection.format == "saved_model" else sources.engine,
        rows_doubt=converted.rows_doubt if converted else NO_GRAPH,
    )
    _check_digests(sources)  # what was loaded since is filed under their names
    compiled.write(target)
    return inspection, compiled


def _trace(
    inspection: Inspection, sources: Sources, report: Progress
) -> tuple[Any, tuple[str, ...]]:
    """The traced model and how it came to be. TensorFlow is imported here, for what passed."""
    if inspection.format == "saved_model":
        return _trace_saved_model(sources, report)
    from service.loading import fallback

    if sources.engine == fallback.ENGINE:
        fallback.prepare_engine()
    from service.loading.building import refusing
    from service.loading.tracing.trace import TracedModel

    name = inspection.architecture_file
    objects = objects_for(inspection, sources.options)
    report("load")
    if sources.engine == fallback.ENGINE:
        built = fallback.build_legacy(inspection, sources.files, sources.options, objects)
        notes = (f"built by tf_keras; Keras 3 said: {sources.why_not_keras}", *built.notes)
    else:
        from service.loading.build import build

        built = build(inspection, sources.files, sources.options, objects, bool(inspection.lambdas))
        notes = built.notes
    if inspection.lambdas:
        notes = (*notes, "its Lambda code was run, as allow_lambda says")
    with refusing(name):
        return TracedModel(built.model, built.renamed), notes


def _trace_saved_model(sources: Sources, report: Progress) -> tuple[Any, tuple[str, ...]]:
    from service.loading.building import refusing
    from service.loading.saved_model.inspection import inspect_saved_model
    from service.loading.saved_model.trace import TracedSavedModel

    info = inspect_saved_model(sources.files, sources.options.signature)
    report("load")
    with refusing(info.graph_file):
        traced = TracedSavedModel(info, sources.files)
    fixed = info.batch_size
    return traced, () if fixed is None else (f"it takes batches of exactly {fixed} rows",)


def _convert(traced: Any, length: int, target: Path) -> tuple[Any, tuple[str, ...]]:
    """Write the ONNX file, or the exported function where there is none that agrees."""
    from service.loading.tracing.onnx_file import ConversionFailed, convert

    target.mkdir(parents=True)
    try:
        converted = convert(traced, length)
    except ConversionFailed as failure:
        traced.export(target / SAVED_MODEL)
        return None, (f"served by TensorFlow: {failure}",)
    (target / ONNX_FILE).write_bytes(converted.onnx)
    return converted, ()


def _runner(traced: Any, target: Path) -> Any:
    """What a worker will run: the ONNX file, or the traced function itself."""
    from service.loading.tracing.onnx_file import onnx_run

    if not (target / ONNX_FILE).exists():
        return traced.run
    return onnx_run((target / ONNX_FILE).read_bytes(), traced.signature)


def _write_golden(traced: Any, length: int, target: Path) -> None:
    from service.loading.tracing.samples import sample_inputs

    inputs = sample_inputs(traced.signature, GOLDEN_ROWS, length, GOLDEN_SEED, traced.scales)
    content = pack_golden(list(inputs.values()), traced.run(inputs))
    if content is not None:
        (target / GOLDEN_FILE).write_bytes(content)


def _check_digests(sources: Sources) -> None:
    """The files must be those that the key was made of. Raises CompileFailed if one changed."""
    for name, digest in sources.digests.items():
        try:
            if digest_file(sources.files[name]) != digest:
                raise CompileFailed(f"{name} changed while it was being read")
        except OSError as error:
            raise FileBroken(name, f"can't be read: {error}") from error
