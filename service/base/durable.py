"""Files and folders that are on the disk for certain, and what is told when they can't be."""

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.base.http_errors import Conflict, StorageFull

AT_FDCWD = -100
RENAME_NOREPLACE = 1
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
UNWRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM, errno.EXDEV)
UNKNOWN_HERE = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)


def sync(path: Path) -> None:
    """Return when a file's bytes, or a folder's names, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def rename_new(source: Path, target: Path) -> None:
    """Rename to a name that nobody has. Raises FileExistsError, also for an empty folder.

    Where the kernel or the file system can't do that in one step, it looks first.
    """
    paths = os.fsencode(source), os.fsencode(target)
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is not None:
        if rename(AT_FDCWD, paths[0], AT_FDCWD, paths[1], RENAME_NOREPLACE) == 0:
            return
        number = ctypes.get_errno()
        if number not in UNKNOWN_HERE:
            raise OSError(number, os.strerror(number), str(target))
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    source.rename(target)


@contextmanager
def storing(where: str) -> Iterator[None]:
    """Raise StorageFull or Conflict for what the disk refuses while something is written."""
    try:
        yield
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        if error.errno in FULL:
            raise StorageFull(
                f"There is no room in the {where}: {why}; nothing was kept"
            ) from error
        if error.errno in UNWRITABLE:
            raise Conflict(f"The {where} can't be written: {why}") from error
        raise
