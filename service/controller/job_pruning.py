"""Forgets jobs that ended long ago, with their folders."""

import logging
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from service.base.aside import sweep
from service.controller.job_program import SCRATCH
from service.jobs.ids import is_id
from service.jobs.store import JobStore

logger = logging.getLogger(__name__)

DAY_S = 24 * 3600.0
# Of no use once a job has ended: what attempts worked with, rows that people may have asked to be
# forgotten, the state of the fit.
LEFT = (SCRATCH.format("*"), "data", "live", "backup")
LEAST_KEPT_S = 2 * 3600.0  # whoever watches a job, or has asked for it by schedule, sees its end


class JobPruning:
    """The row goes first: a folder without one is found again, a row without its folder isn't."""

    def __init__(
        self,
        store: JobStore,
        jobs_dir: Path,
        keep_days: float,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._jobs_dir = jobs_dir
        self._keep_s = max(keep_days * DAY_S, LEAST_KEPT_S)
        self._wall_clock = wall_clock

    def __call__(self) -> None:
        """One round."""
        before = self._wall_clock() - self._keep_s
        while gone := self._store.prune(before):
            for job in gone:
                shutil.rmtree(self._jobs_dir / job, ignore_errors=True)
            logger.info("old jobs removed", extra={"jobs": len(gone)})
        folders = self._folders()
        # Read after them: whoever's folder is there has had a row before it.
        known, unended = self._store.ids(), self._store.unended()
        for folder in folders:
            if folder.name not in known and _changed_at(folder) < before:
                shutil.rmtree(folder, ignore_errors=True)
                logger.info("folder without a job removed", extra={"job": folder.name})
            elif folder.name in known - unended:
                _remove_left(folder)

    def _folders(self) -> list[Path]:
        try:
            entries = sorted(self._jobs_dir.iterdir())
        except OSError:
            return []
        return [path for path in entries if is_id(path.name) and not path.is_symlink()]


def _remove_left(folder: Path) -> None:
    for pattern in LEFT:
        for left in folder.glob(pattern):
            shutil.rmtree(left, ignore_errors=True)
    with suppress(OSError):
        sweep(folder)


def _changed_at(folder: Path) -> float:
    try:
        return folder.lstat().st_mtime
    except OSError:  # gone meanwhile
        return float("inf")
