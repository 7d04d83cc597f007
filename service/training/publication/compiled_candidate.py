"""A candidate compiled before it is offered, so that it is served as soon as it is published."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from service.base.compiled import (
    cache_key,
    publish,
    read_compiled,
    unnamed_mark,
    verify_files,
)
from service.base.durable import storing
from service.base.golden import MAX_REPLAY_ERROR, relative_error
from service.base.load_options import LoadOptions
from service.base.refusals import ArtefactCorrupt, CompileFailed
from service.loading.compiling import Sources, compile_version
from service.training.kept import keep_folder
from service.training.publication.candidate import Candidate

logger = logging.getLogger(__name__)

COMPILED = "compiled"
VERSION = "version"


def compile_candidate(
    candidate: Candidate, options: LoadOptions, folder: Path, check: Callable[[], None]
) -> Path:
    """The compiled folder below the job's; `check` may refuse before it counts.

    Raises FileRefused where the service couldn't serve what was trained.
    """
    key = cache_key(candidate.digests, options.key())
    sources = Sources(candidate.files, candidate.digests, key, options)

    def write(partial: Path) -> None:
        compile_version(sources, partial / VERSION, _log_stage)

    return keep_folder(folder / COMPILED, write, check) / VERSION


def check_answers(name: str, trained: np.ndarray, compiled: np.ndarray) -> None:
    """The compiled candidate answers as the model did in training, or CompileFailed is raised.

    It was opened by the options of model.yaml, which were made for the files of its parent.
    """
    is_same_size = trained.size == compiled.size
    difference = relative_error(
        trained.reshape(compiled.shape) if is_same_size else trained, compiled
    )
    if not difference <= MAX_REPLAY_ERROR:
        raise CompileFailed(
            f"{name}: opened as model.yaml says, it answers otherwise than it did in training, "
            f"by {difference:.2g}"
        )


def place_compiled(compiled: Path, cache: Path) -> None:
    """Put the compiled folder where the controller looks for it; once, and for good.

    It is marked as unnamed: unless a version of the repository comes to name it, the controller
    removes it after a day.
    """
    if not compiled.is_dir():  # an earlier attempt has done so
        return
    target = cache / read_compiled(compiled).key
    with storing("compiled cache"):
        cache.mkdir(parents=True, exist_ok=True)
        if _is_whole(target):
            shutil.rmtree(compiled)
            return
        unnamed_mark(target).touch()
        if compiled.stat().st_dev != cache.stat().st_dev:
            aside = cache / f".{target.name}"
            shutil.rmtree(aside, ignore_errors=True)
            shutil.copytree(compiled, aside)
            publish(aside, target)
        else:
            publish(compiled, target)


def _is_whole(folder: Path) -> bool:
    try:
        verify_files(folder, read_compiled(folder))
    except ArtefactCorrupt:
        return False
    return True


def _log_stage(stage: str) -> None:
    logger.info("compiling the candidate", extra={"stage": stage})
