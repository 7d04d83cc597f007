"""The folder in which the workers count: in memory where that has the room, empty at start.

A disk is slower, and may be full. But a container may have little memory to share, and nothing is
taken back of it: what retired versions and dead workers have counted stays.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.base.owned_folder import OwnedFolder, hold_folder, sweep

SHARED_MEMORY = Path("/dev/shm")
PREFIX = "kerasd-metrics-"
WORKER_BYTES = 16 * 1024**2  # of 400 versions and more


@contextmanager
def metric_files(link: Path, workers: int, memory: Path = SHARED_MEMORY) -> Iterator[Path]:
    """The folder, as long as the service runs; `link` leads to it.

    The files of an earlier run would add up to counts that nobody made in this one. They are never
    removed while the service runs: a sum that falls looks like a restart.
    """
    link.parent.mkdir(parents=True, exist_ok=True)
    place = memory if _has_room(memory, workers * WORKER_BYTES) else link.parent
    with hold_folder(place):
        sweep(place, (PREFIX,))
        folder = OwnedFolder(place, PREFIX)
    try:
        _point(link, folder.path)
        yield link.absolute()
    finally:
        folder.remove()
        link.unlink(missing_ok=True)


def _has_room(memory: Path, size: int) -> bool:
    """Whether so much may be written there, once what killed services have left is gone."""
    if not os.access(memory, os.W_OK):
        return False
    with hold_folder(memory):
        sweep(memory, (PREFIX,))
    return shutil.disk_usage(memory).free >= size


def _point(link: Path, folder: Path) -> None:
    """Have the link lead there, whatever stood in its place."""
    link.unlink(missing_ok=True)
    link.symlink_to(folder)
