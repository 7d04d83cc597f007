"""The data files that were uploaded for models, each named by its content.

The file is there first, what is told of it second, and that goes first: a file without a note was
left by a worker that died between the two, and is taken for what it is when it is sent again.

When a file was used last is its time of change: that of its coming, or of a job that names it.
"""

import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from service.base.durable import storing, sync
from service.base.errors import KerasdError, NotFound
from service.base.http_errors import StorageFull
from service.base.owned_folder import hold_folder
from service.data.places import UPLOADED

MEBIBYTE = 1024 * 1024
WHERE = "state directory"
NOTE = ".note"
PARTIAL = re.compile(rf"\.{UPLOADED.pattern}\.note\.[0-9a-f]{{8}}")
SETTING = "data_total_mb"
MOST_FILES = 10_000  # of a model


@dataclass(frozen=True, slots=True)
class DataFile:
    """An uploaded file; `at` is in seconds since 1970, `name` what its sender called it."""

    file: str
    sha256: str
    bytes: int
    name: str
    by: str
    at: float


class Shelf:
    """All of one service: `<folder>/<model>/<sha256>.<suffix>`; safe in threads and processes.

    The files of a model take at most `most_bytes` together; 0 = as many as there is room for. There
    are at most `most_files` of them: lists of them have to be short.
    """

    def __init__(self, folder: Path, most_bytes: int = 0, most_files: int = MOST_FILES) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._most_files = most_files

    def of(self, model: str) -> Path:
        """Where the files of a model lie."""
        return self._folder / model

    def put(self, model: str, source: Path, told: DataFile) -> tuple[DataFile, bool]:
        """Take a received file over, and tell whether it is new; the same again is the first one.

        Raises StorageFull, Conflict.
        """
        with storing(WHERE):
            folder = self.of(model)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync(source)
            with hold_folder(folder):
                known = self._find(model, told.file)
                if known is not None:
                    os.utime(folder / told.file)
                    return known, False
                self._check_room(model, told)
                source.rename(folder / told.file)
                self._write_note(folder, told)
                sync(folder)
        return told, True

    def files(self, model: str) -> list[DataFile]:
        """All of a model, the latest first."""
        return sorted(self._files(model), key=lambda one: (-one.at, one.file))

    def models(self) -> list[str]:
        """Those that any file was sent for."""
        try:
            return sorted(entry.name for entry in os.scandir(self._folder) if entry.is_dir())
        except FileNotFoundError:
            return []

    def use(self, model: str, names: Iterable[str]) -> None:
        """Note that these are being used, as far as they are uploaded files; others are passed."""
        for name in names:
            if UPLOADED.fullmatch(name):
                with suppress(OSError), hold_folder(self.of(model)):
                    os.utime(self.of(model) / name, follow_symlinks=False)

    def prune(self, model: str, before: float) -> list[str]:
        """Delete what was used last before then, and what was left half written; which files.

        Whoever notes a use at that moment comes before or after: the look and the end are one.
        """
        gone: list[str] = []
        with suppress(FileNotFoundError), hold_folder(self.of(model)):
            for entry in sorted(os.scandir(self.of(model)), key=lambda one: one.name):
                if entry.stat(follow_symlinks=False).st_mtime >= before:
                    continue
                if UPLOADED.fullmatch(entry.name):
                    Path(f"{entry.path}{NOTE}").unlink(missing_ok=True)
                    Path(entry.path).unlink()
                    gone.append(entry.name)
                elif PARTIAL.fullmatch(entry.name) or self._is_orphan(model, entry.name):
                    Path(entry.path).unlink()
        return gone

    def remove(self, model: str, file: str) -> None:
        """Delete one. Raises DataNotFound."""
        if not UPLOADED.fullmatch(file):
            raise DataNotFound(model, file)
        folder = self.of(model)
        with storing(WHERE):
            try:
                with hold_folder(folder):
                    (folder / f"{file}{NOTE}").unlink(missing_ok=True)
                    (folder / file).unlink()
            except FileNotFoundError as error:
                raise DataNotFound(model, file) from error

    def _files(self, model: str) -> Iterator[DataFile]:
        with suppress(FileNotFoundError):
            for entry in os.scandir(self.of(model)):
                found = self._find(model, entry.name) if UPLOADED.fullmatch(entry.name) else None
                if found is not None:
                    yield found

    def _is_orphan(self, model: str, name: str) -> bool:
        """True for a note whose file was removed by hand."""
        file = name.removesuffix(NOTE)
        is_note = file != name and UPLOADED.fullmatch(file) is not None
        return is_note and not (self.of(model) / file).exists()

    def _check_room(self, model: str, told: DataFile) -> None:
        folder = self.of(model)
        sizes = [
            entry.stat(follow_symlinks=False).st_size
            for entry in os.scandir(folder)
            if UPLOADED.fullmatch(entry.name)
        ]
        if len(sizes) >= self._most_files:
            raise StorageFull(
                f"Model {model} has {len(sizes)} data files, as many as may be: delete some; "
                "nothing was kept"
            )
        held = sum(sizes)
        if self._most_bytes and held + told.bytes > self._most_bytes:
            raise StorageFull(
                f"The data files of model {model} take {held / MEBIBYTE:.0f} MiB; with this one of "
                f"{told.bytes / MEBIBYTE:.0f} they would take more than "
                f"{self._most_bytes // MEBIBYTE} (setting {SETTING}): delete some; nothing was kept"
            )

    def _find(self, model: str, file: str) -> DataFile | None:
        path = self.of(model) / file
        with suppress(OSError, ValueError, TypeError):
            path.lstat()  # a note alone says that there is a file where there is none
            return DataFile(**orjson.loads(path.with_name(file + NOTE).read_bytes()))
        return None

    def _write_note(self, folder: Path, told: DataFile) -> None:
        # A name of its own: not every disk knows locks.
        partial = folder / f".{told.file}{NOTE}.{secrets.token_hex(4)}"
        partial.write_bytes(orjson.dumps(asdict(told)))
        sync(partial)
        partial.rename(folder / f"{told.file}{NOTE}")


class DataNotFound(NotFound):
    """No file of this name was uploaded for the model."""

    code = "data_not_found"

    def __init__(self, model: str, file: str) -> None:
        KerasdError.__init__(self, f"No data file {file[:80]!a} was uploaded for model {model}")
