"""Folders with a lock on them: one that is worked in alone, and one that its maker owns.

The kernel frees such a lock however its holder ends, so that a folder whose lock is free belongs to
nobody any more. A file system without locks, such as some that are shared over a network, lets
everybody pass: what is built on this stays safe there by renaming, and what is left lies for a day.
"""

import errno
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from service.base.http_errors import Conflict

PATIENCE_S = 30.0
PAUSE_S = 0.01
DAY_S = 24 * 3600.0
WITHOUT_LOCKS = (errno.EBADF, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)


@contextmanager
def hold_folder(folder: Path, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Work in a folder while nobody else does. Raises Conflict when another one never ends."""
    handle = _open(folder)
    try:
        give_up_at = time.monotonic() + patience_s
        while _lock(handle) is False:
            if time.monotonic() > give_up_at:
                raise Conflict(f"somebody else works in the folder {folder.name}; ask again later")
            time.sleep(PAUSE_S)
        yield
    finally:
        os.close(handle)


class OwnedFolder:
    """A new folder that belongs to this process until it is let go of or removed.

    Made while the folder around it is held: before the lock is on it, a sweep could take it.
    """

    def __init__(self, parent: Path, prefix: str) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        self._handle = _open(self.path)
        _lock(self._handle)

    def remove(self) -> None:
        """Remove it with all that is left in it; safe to call again."""
        if self._handle >= 0:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._handle)
            self._handle = -1


def sweep(parent: Path, prefixes: tuple[str, ...], unchanged_s: float = 0.0) -> list[str]:
    """Remove folders whose owners are dead and that nobody has changed for so long; their names.

    Called while the folder around them is held.
    """
    swept = []
    for folder in parent.iterdir():
        if folder.name.startswith(prefixes) and _is_left(folder, unchanged_s):
            shutil.rmtree(folder, ignore_errors=True)
            swept.append(folder.name)
    return swept


@contextmanager
def scratch_folder(root: Path, prefix: str) -> Iterator[Path]:
    """A folder to work in; those of processes that were killed go when the next one is made."""
    root.mkdir(parents=True, exist_ok=True)
    with hold_folder(root):
        sweep(root, (prefix,))
        folder = OwnedFolder(root, prefix)
    try:
        yield folder.path
    finally:
        folder.remove()


def _is_left(folder: Path, unchanged_s: float) -> bool:
    with suppress(OSError):  # gone meanwhile, or no folder
        unchanged = time.time() - folder.lstat().st_mtime
        if folder.is_symlink() or unchanged < unchanged_s:
            return False
        handle = _open(folder)
        try:
            is_free = _lock(handle)
        finally:
            os.close(handle)
        return unchanged >= DAY_S if is_free is None else is_free
    return False


def _open(folder: Path) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _lock(handle: int) -> bool | None:
    """Whether the lock is ours now; none where there are no locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in WITHOUT_LOCKS:
            raise
        return None
    return True
