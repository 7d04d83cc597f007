"""Where files and folders are written until they are whole."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PART = ".part-"  # what the name of something half written begins with


@contextmanager
def aside(path: Path) -> Iterator[Path]:
    """Where to write a file or a folder until it is whole and may be renamed to `path`.

    What still lies there in the end is removed. Each writer has a name of its own: one that was
    given up may still be writing.
    """
    partial = path.with_name(f"{PART}{secrets.token_hex(4)}-{path.name}")
    try:
        yield partial
    finally:
        with suppress(OSError):  # what has gone wrong before says more
            _remove(partial)


def sweep(folder: Path) -> None:
    """Remove what writers that were killed have left half written, anywhere in the folder.

    Raises OSError where it can't be.
    """
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            if name.startswith(PART):
                _remove(Path(parent, name))
        folders[:] = (name for name in folders if not name.startswith(PART))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
