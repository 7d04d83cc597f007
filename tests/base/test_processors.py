"""A container that has the time of two processors has two, however many the machine has."""

from pathlib import Path

import pytest

from service.base.processors import processors
from service.base.settings import Settings


@pytest.fixture(autouse=True)
def sixteen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(16)))


@pytest.mark.parametrize(
    ("told", "count"),
    [
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("10000 100000\n", 1),
        ("3200000 100000\n", 16),
        ("max 100000\n", 16),
        ("", 16),
    ],
)
def test_a_limit_of_time_is_one_of_processors(tmp_path: Path, told: str, count: int) -> None:
    (tmp_path / "cpu.max").write_text(told)
    assert processors(tmp_path) == count


@pytest.mark.parametrize(("quota", "count"), [("250000\n", 3), ("-1\n", 16)])
def test_the_first_version_of_cgroups_tells_it_in_two_files(
    tmp_path: Path, quota: str, count: int
) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(quota)
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert processors(tmp_path) == count


def test_without_either_it_has_those_that_it_may_run_on(tmp_path: Path) -> None:
    assert processors(tmp_path) == 16


def test_there_is_a_worker_for_each_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KERASD_WORKERS", raising=False)
    assert Settings().workers == processors()
