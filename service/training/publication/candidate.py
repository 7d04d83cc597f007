"""The files of a candidate: `model.keras`, and the form in which its parent came, under its names.

The folder `candidate/` is there complete or not at all.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from service.base.compiled import digest_file
from service.base.refusals import CompileFailed, FileBroken
from service.loading.inspected import Inspection
from service.loading.inspection import inspect_files
from service.repository.layout import CHECKPOINT_INDEX, files_below
from service.training.kept import keep_folder

logger = logging.getLogger(__name__)

CANDIDATE = "candidate"
MODERN = "model.keras"
WEIGHTS_SUFFIX = ".weights.h5"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A candidate's files by name, with their digests."""

    files: Mapping[str, Path]
    digests: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Forms:
    """How a candidate is written: the name of its `.keras` file, and the older form beside it."""

    modern: str
    older: Inspection | None


def forms_of(files: Mapping[str, Path]) -> Forms:
    """The forms of the parent, whose files these are. Raises FileBroken."""
    found = inspect_files(files)
    if found.format != "keras":
        return Forms(MODERN, found)
    beside = {name: path for name, path in files.items() if name != found.architecture_file}
    try:
        return Forms(found.architecture_file, inspect_files(beside))
    except FileBroken:  # there is no other
        return Forms(found.architecture_file, None)


def write_candidate(model: Any, forms: Forms, folder: Path, check: Callable[[], None]) -> Path:
    """Write the model's files below the job's folder; `check` may refuse before they count.

    Raises CompileFailed where Keras can't write the model, StorageFull.
    """
    return keep_folder(folder / CANDIDATE, lambda path: _write(model, forms, path), check)


def read_candidate(folder: Path) -> Candidate:
    """What lies there, complete."""
    files = files_below(folder / CANDIDATE)
    return Candidate(files, {name: digest_file(path) for name, path in files.items()})


def _write(model: Any, forms: Forms, folder: Path) -> None:
    _save(folder / forms.modern, forms.modern, model.save)
    older = forms.older
    if older is None:
        return
    try:
        _write_older(model, older, folder)
    except CompileFailed as error:  # the modern file holds everything, and is the one that counts
        logger.warning("the candidate has one form only", extra={"why": str(error)})
        for left in (older.architecture_file, older.weights_file):
            (folder / left).unlink(missing_ok=True)


def _write_older(model: Any, older: Inspection, folder: Path) -> None:
    from service.training.fit.keras_files import (  # TensorFlow: some seconds
        save_model,
        save_weights,
    )

    name, weights = older.architecture_file, older.weights_file
    if older.format == "h5":
        _save_as(folder / name, name, ".h5", partial(save_model, model))
    elif older.format == "json+weights" and not weights.endswith(CHECKPOINT_INDEX):
        _save_as(folder / weights, weights, WEIGHTS_SUFFIX, partial(save_weights, model))
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(model.to_json())


def _save_as(target: Path, name: str, suffix: str, save: Any) -> None:
    """Keras goes by the suffix, the service by the content: the parent's name stays."""
    aside = target.with_name(f"saved{suffix}")
    _save(aside, name, save)
    aside.rename(target)


def _save(target: Path, name: str, save: Any) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        save(str(target))
    except (ValueError, TypeError, NotImplementedError) as error:
        target.unlink(missing_ok=True)
        why = " ".join(str(error).split())[:300]
        raise CompileFailed(f"{name}: Keras can't write the trained model: {why}") from error
