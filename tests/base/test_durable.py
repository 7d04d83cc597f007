"""Renaming to names that nobody has, and the words for a disk that refuses."""

import errno
import os
from pathlib import Path

import pytest

from service.base.durable import rename_new, storing, sync
from service.base.errors import KerasdError
from service.base.http_errors import Conflict, StorageFull


def test_a_folder_gets_a_name_that_nobody_has(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    rename_new(tmp_path / "old", tmp_path / "new")
    sync(tmp_path)
    assert os.listdir(tmp_path) == ["new"]


@pytest.mark.parametrize("has_content", [True, False])
def test_an_empty_folder_has_its_name_too(tmp_path: Path, has_content: bool) -> None:
    for name in ("old", "taken"):
        (tmp_path / name).mkdir()
    if has_content:
        (tmp_path / "taken" / "file").write_text("theirs")
    with pytest.raises(FileExistsError):
        rename_new(tmp_path / "old", tmp_path / "taken")
    assert (tmp_path / "old").is_dir()


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.ENOSPC, StorageFull), (errno.EDQUOT, StorageFull), (errno.EROFS, Conflict),
     (errno.EACCES, Conflict)],
    ids=["full", "quota", "read-only", "forbidden"],
)  # fmt: skip
def test_what_the_disk_refuses_is_told(number: int, kind: type[KerasdError]) -> None:
    with pytest.raises(kind, match="repository.*" + os.strerror(number)), storing("repository"):
        raise OSError(number, "internal words", "/secret/path")


def test_another_trouble_stays_what_it_is() -> None:
    with pytest.raises(OSError, match="Input/output"), storing("repository"):
        raise OSError(errno.EIO, os.strerror(errno.EIO))
