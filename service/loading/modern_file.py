"""Write an old model as a `.keras` file of today that gives the same answers, and prove it."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from service.base.refusals import CompileFailed, ModelUnsupported
from service.loading.compiling import Progress, Sources
from service.loading.custom import objects_for
from service.loading.inspection import inspect_files

CONVERTED = "converted.keras"
# Rules that put something of ours in the place of what Keras 3 no longer has.
OWN_RULES = frozenset({"hard_sigmoid", "recurrent_default", "theano_padding", "thresholded_relu"})
NEEDS_US = (
    "it names what Keras 3 no longer has by kerasd's own: outside of kerasd, "
    "import service.loading.legacy_layers before keras.saving.load_model",
)


@dataclass(frozen=True, slots=True)
class ConversionReport:
    """What was written, and how far its answers are from the old file's (relative, at most)."""

    keras_version: str
    parameters: int
    notes: tuple[str, ...]
    max_relative_error: float
    batches: tuple[int, ...]

    def as_json(self) -> dict[str, Any]:
        """A plain record."""
        return asdict(self)


def write_modern(sources: Sources, folder: Path, report: Progress) -> ConversionReport:
    """Write `converted.keras` in the folder and compare it with the model of the old files.

    Raises FileRefused with the reason; CompileFailed when the new file answers otherwise.
    """
    report("inspect")
    found = inspect_files(sources.files, sources.options.signature)
    name = found.architecture_file
    if found.format == "saved_model":
        raise ModelUnsupported(
            name, "a SavedModel holds no Keras layers to write; serve it as it is"
        )
    found.refuse_if_unsafe(sources.options.allow_lambda, sources.digests.get(name, ""))
    report("import")
    import keras

    from service.loading.build import build
    from service.loading.building import refusing
    from service.loading.tracing.onnx_file import BATCH_SIZES, ConversionFailed, verify
    from service.loading.tracing.trace import TracedModel
    from service.loading.tracing.warm_up import find_length, lengths_around

    objects = objects_for(found, sources.options)
    report("load")
    built = build(found, sources.files, sources.options, objects, bool(found.lambdas))
    target = folder / CONVERTED
    report("write")
    with refusing(name):
        built.model.save(target)
    report("verify")
    with refusing(name):
        old = TracedModel(built.model)
        new = TracedModel(keras.saving.load_model(target, objects, compile=False))
    lengths = lengths_around(find_length(old, name))
    try:
        error = verify(old.run, new.run, old.signature, old.scales, lengths)
    except ConversionFailed as failure:
        raise CompileFailed(f"{name}: the new file answers otherwise: {failure}") from failure
    notes = built.notes + (NEEDS_US if OWN_RULES & set(built.notes) else ())
    return ConversionReport(keras.__version__, found.parameters, notes, error, BATCH_SIZES)
