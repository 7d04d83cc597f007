"""Open the version that a training begins with: held against the rules of serving, then built."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.base.compiled import digest_file
from service.base.refusals import ClassesMissing, FileBroken, ModelUnsupported, TrainingRefused
from service.loading.custom import objects_for
from service.loading.inspected import Inspection
from service.loading.inspection import inspect_files
from service.training.source_version import SourceVersion

SAVED_MODEL = (
    "a SavedModel holds a graph, not the layers to train; publish the .keras or .h5 file that it "
    "was exported from as a version, and retrain that"
)
NOT_IN_KERAS_3 = (
    "retraining needs Keras 3, which can't build it ({why}). Build the model with what Keras 3 "
    "has, under the same layer names, load this file's weights into it, and publish what "
    "model.save('model.keras') writes"
)


@dataclass(frozen=True, slots=True)
class Opened:
    """A version whose files have passed; `objects` are the operator's classes for it."""

    inspection: Inspection
    objects: Mapping[str, Any]


def open_source(source: SourceVersion) -> Opened:
    """Inspect the files. Nothing that they name has been imported before all of it has passed.

    Raises FileRefused.
    """
    for name, digest in source.digests.items():
        if digest_file(source.files[name]) != digest:
            raise FileBroken(name, "isn't the file that is served as this version any more")
    inspection = inspect_files(source.files, source.options.signature)
    name = inspection.architecture_file
    inspection.refuse_if_unsafe(source.options.allow_lambda, source.digests.get(name, ""))
    if inspection.format == "saved_model":
        raise TrainingRefused(name, SAVED_MODEL)
    return Opened(inspection, objects_for(inspection, source.options))


def assemble_source(source: SourceVersion, opened: Opened) -> Any:
    """The version's model with fresh weights, as `build.assemble` gives it. Raises FileRefused."""
    from service.loading.build import assemble

    found = opened.inspection
    try:
        return assemble(found, source.options, opened.objects, bool(found.lambdas))
    except ClassesMissing:
        raise
    except ModelUnsupported as error:
        if not found.is_legacy:
            raise
        why = NOT_IN_KERAS_3.format(why=error.why)
        raise TrainingRefused(found.architecture_file, why) from error
