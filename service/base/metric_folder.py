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
    places = [place for place in (memory, link.parent) if os.access(place, os.W_OK)]
    for place in places:  # what killed services have left, wherever those counted
        with hold_folder(place):
            sweep(place, (PREFIX,))
    has_room = memory in places and shutil.disk_usage(memory).free >= workers * WORKER_BYTES
    place = memory if has_room else link.parent
    with hold_folder(place):
        folder = OwnedFolder(place, PREFIX)
    try:
        _point(link, folder.path)
        yield link.absolute()
    finally:
        folder.remove()
        link.unlink(missing_ok=True)


def _point(link: Path, folder: Path) -> None:
    """Have the link lead there, whatever stood in its place."""
    link.unlink(missing_ok=True)
    link.symlink_to(folder)
