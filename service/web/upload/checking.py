"""Looks at uploaded files in a child process: what a stranger sent is never parsed by a worker."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from service.base.child import Child
from service.base.confinement import Limits
from service.base.http_errors import UploadRefused
from service.base.load_options import LoadOptions
from service.base.settings import MEBIBYTE, Settings
from service.repository.model_config import ModelConfig

SAVED_MODEL = "saved_model"
CPU_S = 60
TIMEOUT_S = 90.0
POLL_S = 0.02
RESULT_BYTES = 64 * MEBIBYTE

Json = dict[str, Any]


def check_files(
    files: Mapping[str, Path], digests: Mapping[str, str], config: ModelConfig, settings: Settings
) -> Json:
    """What is in the files. Raises UploadRefused where compiling would refuse them unopened."""
    if not settings.upload_saved_models and any(SAVED_MODEL in name for name in files):
        raise _saved_model()
    report = _inspect(files, digests, config, settings)
    if not settings.upload_saved_models and report["format"] == SAVED_MODEL:
        raise _saved_model()
    return report


def _inspect(
    files: Mapping[str, Path], digests: Mapping[str, str], config: ModelConfig, settings: Settings
) -> Json:
    task = {
        "kind": "check",
        "files": {name: str(path.absolute()) for name, path in files.items()},
        "digests": dict(digests),
        "options": _options(config, settings).as_json(),
    }
    limits = Limits(settings.compile_memory_mb * MEBIBYTE, CPU_S, RESULT_BYTES)
    scratch = settings.run_dir.absolute() / "uploads"
    child = Child(task, limits, TIMEOUT_S, scratch, time.monotonic())
    try:
        while (outcome := child.poll(time.monotonic())) is None:
            time.sleep(POLL_S)
    finally:
        child.kill()
        child.clean()
    if not outcome.ok or outcome.result is None:
        raise UploadRefused(outcome.message)
    report: Json = outcome.result["inspection"]
    return report


def _options(config: ModelConfig, settings: Settings) -> LoadOptions:
    """As the controller will open it; but nobody vouches for code that came over HTTP."""
    told = config.load_options(0)
    return replace(
        told,
        allow_lambda="",
        custom_objects=told.custom_objects or settings.custom_objects,
        custom_objects_path=settings.custom_objects_path,
    )


def _saved_model() -> UploadRefused:
    return UploadRefused(
        "A SavedModel is a program; it is taken over HTTP only with the setting upload_saved_models"
    )
