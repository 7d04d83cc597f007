"""Where workers count: in memory that has room, empty, gone with the service."""

import os
import shutil
from pathlib import Path

import pytest

from service.base.metric_folder import PREFIX, metric_files


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    (tmp_path / "memory").mkdir()
    return tmp_path / "memory"


def test_it_is_in_memory_while_the_service_runs_and_gone_afterwards(
    tmp_path: Path, memory: Path
) -> None:
    link = tmp_path / "state" / "metrics"
    with metric_files(link, 2, memory) as folder:
        (folder / "counter_1.db").touch()
        assert folder == link
        assert len(list(memory.glob(f"{PREFIX}*/counter_1.db"))) == 1
    assert list(memory.iterdir()) == []
    assert not link.is_symlink()


def test_what_a_killed_service_left_is_removed_by_the_next_one(
    tmp_path: Path, memory: Path
) -> None:
    (memory / f"{PREFIX}dead").mkdir()
    (memory / "another").mkdir()
    with metric_files(tmp_path / "metrics", 2, memory):
        assert not (memory / f"{PREFIX}dead").exists()
    assert (memory / "another").exists()


def test_two_services_count_apart(tmp_path: Path, memory: Path) -> None:
    with metric_files(tmp_path / "a", 2, memory) as a, metric_files(tmp_path / "b", 2, memory) as b:
        (a / "counter_1.db").touch()
        assert os.listdir(b) == []


def test_without_memory_it_lies_beside_the_link(tmp_path: Path) -> None:
    with metric_files(tmp_path / "metrics", 2, tmp_path / "missing") as folder:
        (folder / "counter_1.db").touch()
        assert len(list(tmp_path.glob(f"{PREFIX}*"))) == 1


@pytest.mark.parametrize(("workers", "is_in_memory"), [(4, True), (5, False)])
def test_nor_is_it_in_memory_that_has_no_room_for_so_many_workers(
    tmp_path: Path, memory: Path, monkeypatch: pytest.MonkeyPatch, workers: int, is_in_memory: bool
) -> None:
    """Docker gives a container 64 MiB."""
    usage = shutil.disk_usage(tmp_path)._replace(free=64 * 1024**2)
    (memory / f"{PREFIX}dead").mkdir()

    def look(place: Path) -> object:
        assert list(place.iterdir()) == [], "what is left of a killed service takes room"
        return usage

    monkeypatch.setattr("shutil.disk_usage", look)
    with metric_files(tmp_path / "metrics", workers, memory):
        assert any(memory.iterdir()) is is_in_memory
