"""The tables at a path: one file, or all files of a folder by their names."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn

from service.base.refusals import DataRefused
from service.data.format import HEAD_BYTES, tell_format
from service.data.reader import open_regular
from service.data.source import Source
from service.data.wording import file_text

Kind = Literal["parquet", "csv", "ndjson"]

SUFFIXES: dict[str, Kind] = {
    ".parquet": "parquet", ".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson",
}  # fmt: skip
TAKEN = "Parquet, CSV or NDJSON"
HIDDEN = ("_", ".")  # what others write beside data begins so


@dataclass(frozen=True, slots=True)
class Table:
    """A file of rows; `name` is its path below the folder that was named."""

    path: Path
    name: str
    bytes: int
    changed_ns: int


def find_tables(path: Path, within: Path | None = None) -> list[Table]:
    """The file, or what a folder has of Parquet, CSV and NDJSON, by name; links to files count,
    unless they lead out of `within`. Raises DataRefused.
    """
    try:
        if not path.is_dir():
            if not path.exists():
                raise DataRefused(file_text(path.name), "", "is not there", "a file or a folder")
            return [_table(path, path.name)]
        files = list(_files_below(path))
        if within is not None:
            _check_links(files, within.resolve())
        found = [_table(one, str(one.relative_to(path))) for one in files]
    except OSError as error:  # a part of the rows would be taken for all of them
        name = os.path.relpath(error.filename or path, path.parent)
        wrong = f"can't be read ({error.strerror})"
        raise DataRefused(file_text(name), "", wrong, "files and folders that can be") from error
    if not found:
        raise DataRefused(file_text(path.name), "", "has no files to predict", f"files of {TAKEN}")
    return sorted(found, key=lambda table: table.name)


def open_table(table: Table) -> tuple[Kind, Source]:
    """What kind it is, by its content, and its bytes, to be closed. Raises DataRefused."""
    file = file_text(table.name)
    stream = open_regular(table.path, file)
    try:
        head = os.pread(stream.fileno(), HEAD_BYTES, 0)
        kind = tell_format(file, head, table.path.suffix.lower())
        if kind not in ("parquet", "csv", "ndjson"):
            raise DataRefused(file, "", f"is {kind.upper()}", TAKEN)
        return kind, Source(file, stream, os.fstat(stream.fileno()).st_size)
    except BaseException:
        stream.close()
        raise


def _files_below(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not name.startswith(HIDDEN)]
        for name in names:
            if not name.startswith(HIDDEN) and Path(name).suffix.lower() in SUFFIXES:
                yield Path(parent) / name


def _refuse(error: OSError) -> NoReturn:
    raise error


def _check_links(files: list[Path], root: Path) -> None:
    for file in files:
        if file.is_symlink() and not file.resolve().is_relative_to(root):
            wrong = "is a link that leads out of the data folder"
            raise DataRefused(file_text(file.name), "", wrong, "links that stay inside data_dir")


def _table(path: Path, name: str) -> Table:
    told = path.stat()
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise DataRefused(
            file_text(name), "", "has a name that isn't UTF-8", "names that are"
        ) from error
    return Table(path, name, told.st_size, told.st_mtime_ns)
