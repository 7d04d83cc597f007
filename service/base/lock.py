"""A lock file that the kernel frees however its holder ends."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.base.errors import StateDirectoryBusy
from service.base.state_dir import make_folder

STEP_S = 0.1


@contextmanager
def hold_lock(path: Path, state_dir: Path) -> Iterator[int]:
    """Hold a lock file while working; its handle. Raises StateDirectoryBusy if it is held."""
    make_folder(path.parent, state_dir)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StateDirectoryBusy(str(state_dir)) from error
        yield file.fileno()


def is_held(path: Path) -> bool:
    """Whether somebody holds it; false where there is no such file."""
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def wait_until_free(path: Path, longest_s: float) -> None:
    """Return when nobody holds it any more, or after so long."""
    deadline = time.monotonic() + longest_s
    while is_held(path) and time.monotonic() < deadline:
        time.sleep(STEP_S)
