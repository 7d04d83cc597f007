"""The data files that were uploaded for models, each named by its content.

The file is there first, what is told of it second, and that goes first: a file without a note was
left by a worker that died between the two, and is taken for what it is when it is sent again.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from service.base.durable import storing, sync
from service.base.errors import KerasdError, NotFound
from service.base.owned_folder import hold_folder
from service.data.places import UPLOADED

WHERE = "state directory"
NOTE = ".note"


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
    """All of one service: `<folder>/<model>/<sha256>.<suffix>`; safe in threads and processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

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
                    return known, False
                source.rename(folder / told.file)
                self._write_note(folder, told)
                sync(folder)
        return told, True

    def files(self, model: str) -> list[DataFile]:
        """All of a model, the latest first."""
        return sorted(self._files(model), key=lambda one: (-one.at, one.file))

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
