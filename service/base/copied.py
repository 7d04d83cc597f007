"""Copies of files with the sha256 of what was copied, and of folders in which others write."""

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from service.base.durable import sync

BLOCK_BYTES = 1024 * 1024
PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
ROUNDS = 10  # until what was listed is what was copied

Chosen = Callable[[Path], bool]  # told the path within the folder


def digest_of(path: Path) -> str:
    """The sha256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy_file(source: Path, target: Path) -> str:
    """Copy the bytes, wait until they are on the disk, and give their sha256.

    The copy, and folders that it needs, are for their owner alone.
    """
    hashed = hashlib.sha256()
    for folder in reversed(target.parents):
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    with source.open("rb") as reader, open(target, "xb", opener=_private) as writer:
        while block := reader.read(BLOCK_BYTES):
            hashed.update(block)
            writer.write(block)
    sync(target)
    return hashed.hexdigest()


def copy_folder(source: Path, target: Path, is_chosen: Chosen) -> dict[str, str]:
    """Copy what has its final name and is chosen; the sha256 of each by its path in the folder.

    Files there come by rename, never change, and go: they are merged into others, or pruned. So it
    looks again until nothing has come or gone, and what is gone meanwhile isn't kept.
    """
    copied: dict[str, str] = {}
    for _ in range(ROUNDS):
        there = {name for name in _names(source) if is_chosen(Path(name))}
        if there == copied.keys():
            break
        for name in sorted(copied.keys() - there):
            (target / name).unlink()
            del copied[name]
        for name in sorted(there - copied.keys()):
            with suppress(FileNotFoundError):  # gone since it was listed
                copied[name] = copy_file(source / name, target / name)
    return copied


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, PRIVATE_FILE)


def _names(folder: Path) -> list[str]:
    """Paths of the files below it; names that begin with a dot are being written still."""
    if not folder.is_dir():
        return []
    paths = (path.relative_to(folder) for path in folder.rglob("*") if _is_file(path))
    return [str(path) for path in paths if not any(part[0] == "." for part in path.parts)]


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
