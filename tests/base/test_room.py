"""What may come to a disk leaves room for what must go on there."""

from collections import namedtuple
from pathlib import Path

import pytest

from service.base.room import RESERVE, free_room

Usage = namedtuple("Usage", "total used free")
GIB = 1024**3


@pytest.mark.parametrize(
    ("total", "free", "room"),
    [(100 * GIB, GIB, GIB - RESERVE), (100 * GIB, RESERVE, 0), (100 * GIB, 0, 0),
     (20 * 1024, 20 * 1024, 19 * 1024)],
    ids=["large", "reserve", "full", "small"],
)  # fmt: skip
def test_a_reserve_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, total: int, free: int, room: int
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(total, total - free, free))
    assert free_room(tmp_path) == room


def test_of_a_folder_that_is_not_there_nothing_is_known(tmp_path: Path) -> None:
    assert free_room(tmp_path) > 0
    with pytest.raises(FileNotFoundError):
        free_room(tmp_path / "none")
