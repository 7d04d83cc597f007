"""Versions of a model as a job finds them: their files, how they are opened, what they answer."""

from dataclasses import dataclass
from pathlib import Path

from service.base.compiled import digest_file, read_compiled
from service.base.load_options import LoadOptions
from service.base.refusals import FileBroken, TrainingRefused
from service.base.sequences import Sequences
from service.base.signature import Signature, TensorSpec
from service.data.weights_file import find_weights
from service.jobs.attempt import Attempt
from service.recipe.init import Init
from service.repository.layout import Found, find_versions
from service.repository.manifest import check_published
from service.repository.model_config import ModelConfig
from service.repository.states import State, VersionRow
from service.training.coming import await_version
from service.training.judging.answers import Question, question_of
from service.training.source_version import SourceVersion
from service.training.workplace import Workplace


@dataclass(frozen=True, slots=True)
class Served:
    """A version that is READY: where its compiled form lies, what it takes and answers."""

    version: int
    folder: Path
    signature: Signature
    question: Question
    sequences: Sequences | None

    def differs_from(self, other: "Served") -> str:
        """Why the two can't answer the same rows; empty where they can."""
        pairs = list(zip(self.signature.inputs, other.signature.inputs, strict=False))
        is_same_count = len(self.signature.inputs) == len(other.signature.inputs)
        if not is_same_count or not all(_takes_alike(ours, theirs) for ours, theirs in pairs):
            return "it takes other inputs"
        return "" if self.question.is_same(other.question) else "it answers another question"


def find_served(place: Workplace, attempt: Attempt, version: int) -> Served:
    """A version of the job's model to be run. Raises as find_ready."""
    model = attempt.job.model
    row = find_ready(place, attempt, version)
    folder = place.compiled_dir / row.artefact
    signature = read_compiled(folder).signature
    question = question_of(row.config, signature, _named(model, version))
    return Served(version, folder, signature, question, row.config.sequences)


def find_source(place: Workplace, attempt: Attempt, version: int, init: Init) -> SourceVersion:
    """A version of the job's model to be trained further, with its files as they were published.

    Raises as find_ready, FileBroken where a file isn't what it was, DataRefused where the weights
    file of the request isn't there.
    """
    model = attempt.job.model
    row = find_ready(place, attempt, version)
    try:
        found = find_versions(place.repository, model).get(version)
    except FileNotFoundError as error:
        why = f"the repository isn't on this machine at {place.repository}, nor its mirror"
        raise TrainingRefused(_named(model, version), why) from error
    if found is None:
        raise TrainingRefused(_named(model, version), "its files are gone")
    config = row.config
    return SourceVersion(
        model=model,
        version=version,
        files={file.name: file.path for file in found.files},
        digests=_digests(found),
        options=options_of(place, config, version),
        signature=read_compiled(place.compiled_dir / row.artefact).signature,
        weights_file=find_weights(init.weights_file, place.places(model))
        if init.weights_file
        else None,
        task=config.task or "",
    )


def options_of(place: Workplace, config: ModelConfig, version: int = 0) -> LoadOptions:
    """How a version is opened; without a number one that isn't published yet."""
    return config.load_options(version).with_custom(place.custom)


def find_ready(place: Workplace, attempt: Attempt, version: int) -> VersionRow:
    """What is recorded of a version of the job's model, its model.yaml too.

    Raises TrainingRefused unless it is READY, once it isn't coming any more, ModelNotReady where
    that takes too long, Cancelled, Superseded.
    """
    model = attempt.job.model
    row = await_version(place, attempt, version)
    if row is None or row.state is not State.READY:
        why = "it isn't there" if row is None else f"it is {row.state.value}: {row.reason}"
        raise TrainingRefused(_named(model, version), why.removesuffix(": "))
    place.bring(row.artefact)
    return row


def _takes_alike(ours: TensorSpec, theirs: TensorSpec) -> bool:
    """Free axes take any length."""
    axes = zip(ours.item_shape, theirs.item_shape, strict=False)
    is_alike = (ours.dtype, len(ours.shape)) == (theirs.dtype, len(theirs.shape))
    return is_alike and all(one == other or None in (one, other) for one, other in axes)


def _digests(found: Found) -> dict[str, str]:
    try:
        digests = {file.name: digest_file(file.path) for file in found.files}
    except OSError as error:
        raise FileBroken(found.files[0].name, f"can't be read: {error}") from error
    if found.home is not None:
        check_published(found.home, digests)
    return digests


def _named(model: str, version: int) -> str:
    return f"version {version} of model {model}"
