"""The files of a job that anybody may see: what it reports, logs, and has kept of the model.

Its data and its own state lie beside them and are not told. A job may run code that its operator
has registered, so that nothing in its folder is trusted: no link is followed.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from service.base.errors import KerasdError, NotFound

FILES = frozenset({"report.json", "train.csv", "job.log"})
FOLDERS = frozenset({"logs", "checkpoints", "candidate"})
MAX_FILES = 1000
MAX_DEPTH = 6


@dataclass(frozen=True, slots=True)
class Artefact:
    """A file by its path below the job's folder; `at` is when it was changed last."""

    name: str
    bytes: int
    at: float


class ArtefactNotFound(NotFound):
    """The job has no such file, or none that is shown."""

    code = "artefact_not_found"

    def __init__(self, job: str, name: str) -> None:
        KerasdError.__init__(self, f"Job {job} has no artefact {name[:200]!a}")


def find_artefacts(folder: Path) -> list[Artefact]:
    """All that are shown, by name; the first thousand."""
    found = sorted(_walk(folder, ""), key=lambda one: one.name)
    return found[:MAX_FILES]


def open_artefact(folder: Path, job: str, name: str) -> BinaryIO:
    """One of them, to be read and closed. Raises ArtefactNotFound."""
    parts = name.split("/")
    if _is_shown(parts):
        with suppress(OSError, ValueError):
            return _open(folder, parts)
    raise ArtefactNotFound(job, name)


def _walk(folder: Path, prefix: str) -> Iterator[Artefact]:
    with suppress(OSError), os.scandir(folder / prefix) as entries:
        for entry in entries:
            name = f"{prefix}/{entry.name}" if prefix else entry.name
            if entry.is_dir(follow_symlinks=False):
                if _may_enter(name.split("/")):
                    yield from _walk(folder, name)
            elif entry.is_file(follow_symlinks=False) and _is_shown(name.split("/")):
                about = entry.stat(follow_symlinks=False)
                yield Artefact(name, about.st_size, about.st_mtime)


def _is_shown(parts: list[str]) -> bool:
    is_named = all(part and part.isprintable() and not part.startswith(".") for part in parts)
    if len(parts) == 1:
        return parts[0] in FILES
    return is_named and parts[0] in FOLDERS and len(parts) <= MAX_DEPTH


def _may_enter(parts: list[str]) -> bool:
    is_named = not any(part.startswith(".") for part in parts)
    return is_named and parts[0] in FOLDERS and len(parts) < MAX_DEPTH


def _open(folder: Path, parts: list[str]) -> BinaryIO:
    """Step by step, so that nobody puts a link into the path meanwhile."""
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            inner = os.open(part, flags, dir_fd=place)
            os.close(place)
            place = inner
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        handle = os.open(parts[-1], flags, dir_fd=place)
    finally:
        os.close(place)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError("is no regular file")
    return os.fdopen(handle, "rb")
