"""Paths below the data folder that requests name: no link leads out of it."""

from pathlib import Path

from service.base.refusals import DataRefused
from service.data.wording import file_text


def existing(folder: Path, name: str) -> Path:
    """What is there under this name, a file or a folder. Raises DataRefused."""
    try:
        root = folder.resolve(strict=True)
        path = (root / name).resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise DataRefused(file_text(name), "", "is not there", "a path in data_dir") from error
    return _checked(root, path, name)


def writable(folder: Path, name: str) -> Path:
    """Where something of this name is to be written. Raises DataRefused."""
    try:
        root = folder.resolve(strict=True)
        path = (root / name).resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise DataRefused(file_text(name), "", "can't be a path", "one in data_dir") from error
    if path == root:
        raise DataRefused(file_text(name), "", "is the data folder itself", "a path inside it")
    return _checked(root, path, name)


def _checked(root: Path, path: Path, name: str) -> Path:
    if not path.is_relative_to(root):
        wrong = "leads out of the data folder"
        raise DataRefused(file_text(name), "", wrong, "a path inside data_dir")
    return path
