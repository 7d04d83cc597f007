"""Where workers count: in memory, empty, gone with the service."""

import os
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
    with metric_files(link, memory) as folder:
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
    with metric_files(tmp_path / "metrics", memory):
        assert not (memory / f"{PREFIX}dead").exists()
    assert (memory / "another").exists()


def test_two_services_count_apart(tmp_path: Path, memory: Path) -> None:
    with metric_files(tmp_path / "a", memory) as one, metric_files(tmp_path / "b", memory) as two:
        (one / "counter_1.db").touch()
        assert os.listdir(two) == []


def test_without_memory_it_lies_beside_the_link(tmp_path: Path) -> None:
    with metric_files(tmp_path / "metrics", tmp_path / "missing") as folder:
        (folder / "counter_1.db").touch()
        assert len(list(tmp_path.glob(f"{PREFIX}*"))) == 1
