"""The folder in which the workers count: in memory where there is such a place, empty at start.

prometheus_client counts in mapped files that have holes. A write into a hole for which the disk has
no room ends the process; so a full disk would end every worker, again and again.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.base.owned_folder import OwnedFolder, hold_folder, sweep

SHARED_MEMORY = Path("/dev/shm")
PREFIX = "kerasd-metrics-"


@contextmanager
def metric_files(link: Path, memory: Path = SHARED_MEMORY) -> Iterator[Path]:
    """The folder, as long as the service runs; `link` leads to it.

    The files of an earlier run would add up to counts that nobody made in this one. They are never
    removed while the service runs: a sum that falls looks like a restart.
    """
    link.parent.mkdir(parents=True, exist_ok=True)
    place = memory if os.access(memory, os.W_OK) else link.parent
    with hold_folder(place):
        sweep(place, (PREFIX,))
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
