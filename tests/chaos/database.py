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
    require_root("mounting a folder read-only")
    aside = folder.with_name(f"{folder.name}-read-only")
    aside.mkdir()
    # Made read-only where nobody writes: a mount in use can't be. Mounted again, it stays so.
    _mount("--bind", folder, aside)
    _mount("-o", "remount,bind,ro", aside)
    _mount("--bind", aside, folder)
    try:
        yield
    finally:
        for place in (folder, aside):
            subprocess.run(["umount", "--lazy", str(place)], check=True)


def _mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


def remove(file: Path) -> None:
    """The file and what SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
