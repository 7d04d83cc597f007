"""A bell that is heard by every process of the host."""

import subprocess
import sys
from pathlib import Path

from service.base.bell import SIZE, Bell

RING = """
import pathlib, sys
from service.base.bell import Bell
Bell(pathlib.Path(sys.argv[1])).ring()
"""


def test_it_is_heard_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "run" / "bell"
    first, second = Bell(path), Bell(path)
    before = second.value
    assert before == first.value
    first.ring()
    assert second.value == first.value != before


def test_by_another_process_too(tmp_path: Path) -> None:
    bell = Bell(tmp_path / "bell")
    before = bell.value
    subprocess.run([sys.executable, "-c", RING, str(tmp_path / "bell")], check=True)
    assert bell.value != before


def test_who_comes_later_hears_what_was_rung_before_and_takes_nothing_away(tmp_path: Path) -> None:
    first = Bell(tmp_path / "bell")
    first.ring()
    rung = first.value
    assert Bell(tmp_path / "bell").value == rung
    assert first.value == rung


def test_its_file_has_its_place_on_the_disk_before_it_is_rung(tmp_path: Path) -> None:
    """On a full disk a hole could not be filled: the kernel would end the process that rings."""
    Bell(tmp_path / "bell")
    status = (tmp_path / "bell").stat()
    assert status.st_size == SIZE
    assert status.st_mode & 0o077 == 0


def test_closed_it_leaves_the_others_alone(tmp_path: Path) -> None:
    first, second = Bell(tmp_path / "bell"), Bell(tmp_path / "bell")
    first.close()
    second.ring()
    assert second.value != 0
