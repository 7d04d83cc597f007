"""Looks at uploaded files in a child process: what a stranger sent is never parsed by a worker."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from service.base.child import Child, Outcome
from service.base.confinement import Limits
from service.base.http_errors import UploadRefused
from service.base.load_options import LoadOptions
from service.base.owned_folder import scratch_folder
from service.base.settings import MEBIBYTE, Settings
from service.base.strict_json import Json
from service.repository.model_config import ModelConfig, strange_modules

SAVED_MODEL = "saved_model"
CPU_S = 60
TIMEOUT_S = 90.0
CONFIG_CPU_S = 10
CONFIG_TIMEOUT_S = 30.0
CONFIG_MEMORY_BYTES = 1024 * MEBIBYTE
CONFIG_PROGRAM = "service.web.upload.config_child"
POLL_S = 0.02
PREFIX = "check-"
RESULT_BYTES = 64 * MEBIBYTE


def check_config(folder: Path, settings: Settings) -> ModelConfig:
    """What the model.yaml in a folder says. Raises UploadRefused."""
    task = {"kind": "config", "config": str(folder.absolute())}
    limits = Limits(CONFIG_MEMORY_BYTES, CONFIG_CPU_S, RESULT_BYTES)
    with scratch_folder(settings.run_dir.absolute() / "uploads", PREFIX) as scratch:
        now = time.monotonic()
        outcome = _run(Child(task, limits, CONFIG_TIMEOUT_S, scratch, now, CONFIG_PROGRAM))
    if not outcome.ok or outcome.result is None:
        raise UploadRefused(outcome.message)
    return ModelConfig(**outcome.result["config"])


def check_files(
    files: Mapping[str, Path], digests: Mapping[str, str], config: ModelConfig, settings: Settings
) -> Json:
    """What is in the files. Raises UploadRefused where compiling would refuse them unopened."""
    strange = strange_modules(config, settings.custom_objects)
    if strange:
        raise UploadRefused(strange)
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
    with scratch_folder(settings.run_dir.absolute() / "uploads", PREFIX) as scratch:
        outcome = _run(Child(task, limits, TIMEOUT_S, scratch, time.monotonic()))
    if not outcome.ok or outcome.result is None:
        raise UploadRefused(outcome.message)
    report: Json = outcome.result["inspection"]
    return report


def _run(child: Child) -> Outcome:
    try:
        while (outcome := child.poll(time.monotonic())) is None:
            time.sleep(POLL_S)
    finally:
        child.kill()
        child.clean()
    return outcome


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
