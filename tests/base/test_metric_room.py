"""Counting where there is no room is nobody's end."""

import errno
import mmap
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from service.base.metric_room import RoomyDict

REPLACED = """
import service.base.metrics
from prometheus_client import values
print(values.MmapedDict.__name__)
"""


@pytest.fixture
def counts(tmp_path: Path) -> Iterator[Any]:
    with closing(RoomyDict(str(tmp_path / "counter_1.db"))) as counts:
        yield counts


def test_a_series_without_room_waits_for_it_and_the_others_go_on(
    counts: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    counts.read_value("old")
    with monkeypatch.context() as full:
        full.setattr(os, "posix_fallocate", refuse(errno.ENOSPC))
        assert counts.read_value("new") == counts.read_value("never") == (0.0, 0.0)
        counts.write_value("new", 1.0, 0.0)
        counts.write_value("old", 2.0, 0.0)
        assert [entry[:2] for entry in counts.read_all_values()] == [("old", 2.0)]
    counts.write_value("new", 3.0, 0.0)
    assert [entry[:2] for entry in counts.read_all_values()] == [("old", 2.0), ("new", 3.0)]
    assert [record.why for record in caplog.records] == ["No space left on device"]  # type: ignore[attr-defined]


def test_a_file_that_cannot_be_mapped_larger_stays_as_it_is(
    counts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "n" * 1000
    with monkeypatch.context() as narrow:
        narrow.setattr(mmap, "mmap", refuse(errno.ENOMEM))
        for number in range(6):  # more than the first page holds
            counts.read_value(f"{number}{long}")
    for number in range(6):
        counts.write_value(f"{number}{long}", float(number), 0.0)
    assert [entry[1] for entry in counts.read_all_values()] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def test_a_process_that_begins_without_room_counts_for_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "posix_fallocate", refuse(errno.ENOSPC))
    path = tmp_path / "counter_1.db"
    counts: Any = RoomyDict(str(path))
    with closing(counts):
        monkeypatch.undo()
        counts.write_value("new", 1.0, 0.0)
        assert counts.read_value("new") == (1.0, 0.0)
    assert not path.exists()


def test_room_is_asked_for_all_that_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = 0

    def take(_file: int, start: int, size: int) -> None:
        nonlocal taken
        assert start <= taken, "there is a hole"
        taken = max(taken, start + size)

    monkeypatch.setattr(os, "posix_fallocate", take)
    counts: Any = RoomyDict(str(tmp_path / "counter_1.db"))
    for number in range(300):
        counts.read_value("ö" * number)
        assert taken >= counts._used
    counts.close()


def test_a_file_system_that_does_not_say_is_counted_on(
    counts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "posix_fallocate", refuse(errno.EOPNOTSUPP))
    counts.write_value("new", 3.0, 0.0)
    assert counts.read_value("new") == (3.0, 0.0)


def test_workers_count_in_such_files(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", REPLACED],
        env={"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert told.stdout == "RoomyDict\n"


def refuse(number: int) -> Callable[..., None]:
    def fail(*_: int) -> None:
        raise OSError(number, os.strerror(number))

    return fail
