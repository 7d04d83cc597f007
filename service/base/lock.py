"""A lock file that the kernel frees however its holder ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.base.errors import StateDirectoryBusy


@contextmanager
def hold_lock(path: Path, state_dir: Path) -> Iterator[None]:
    """Hold a lock file while working. Raises StateDirectoryBusy if somebody else does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StateDirectoryBusy(str(state_dir)) from error
        yield
