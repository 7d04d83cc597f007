"""What is read of a version before it is compiled: its configuration, its digests, what is there.

The controller and `kerasd bake` open and compile a version by these same steps.
"""

import logging
from pathlib import Path
from typing import Any

from service.base.compiled import read_compiled, verify_files
from service.base.load_options import LoadOptions
from service.base.refusals import ArtefactCorrupt, FileRefused
from service.controller.tracked import Tracked
from service.repository.model_config import ModelConfig, strange_modules

logger = logging.getLogger(__name__)


def load_options(tracked: Tracked, custom: LoadOptions) -> LoadOptions:
    """What model.yaml and the settings say together."""
    told = (tracked.config or ModelConfig()).load_options(tracked.version)
    return told.with_custom(custom)


def digest(tracked: Tracked, custom: LoadOptions) -> None:
    """Have the version know its files' digests and its key, if it doesn't yet.

    Raises FileRefused when the files or model.yaml can't be followed, OSError when they can't be
    read.
    """
    if tracked.key:
        return
    strange = strange_modules(tracked.config or ModelConfig(), custom.custom_objects)
    if strange:
        raise FileRefused(strange)
    tracked.digest(load_options(tracked, custom))


def is_whole(folder: Path) -> bool:
    """Whether the compiled version is there as it was recorded."""
    if not folder.is_dir():
        return False
    try:
        verify_files(folder, read_compiled(folder))
    except ArtefactCorrupt as error:
        logger.warning("compiled version is corrupt", extra={"why": str(error)})
        return False
    return True


def compile_task(tracked: Tracked, custom: LoadOptions, warm_up_s: float) -> dict[str, Any]:
    """The record of a child's task; a file's own code runs only where that is said in the log."""
    options = load_options(tracked, custom)
    if options.allow_lambda:
        names = {"model": tracked.model, "version": tracked.version}
        logger.warning(
            "a file's Lambda code may run, as allow_lambda says",
            extra={**names, "sha256": options.allow_lambda},
        )
    return {
        "kind": "compile",
        "files": {name: str(path) for name, path in tracked.paths().items()},
        "digests": tracked.digests,
        "key": tracked.key,
        "options": options.as_json(),
        "warm_up_s": warm_up_s,
    }
