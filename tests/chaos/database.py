"""Real troubles of a SQLite database: locked by somebody, on a read-only medium, removed."""

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.chaos.medium import require_root


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Nobody else writes meanwhile."""
    with closing(sqlite3.connect(file, isolation_level=None, timeout=30)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Whatever is opened in the folder from now on can only be read, by root, too."""
    require_root("remounting a folder read-only")
    subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
    try:
        remount = ["mount", "-o", "remount,bind,ro", str(folder)]
        subprocess.run(remount, check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def remove(file: Path) -> None:
    """The file and what SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
