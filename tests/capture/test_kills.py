"""Workers and the sweep are killed anywhere: what was flushed is there once, and nothing half."""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from service.capture.layout import HOUR
from service.capture.sweep import LEFT_S, Sweep
from tests.capture.capturing_worker import ROWS
from tests.capture.everything import captured
from tests.capture.made import NOON, id_of, ids, listed
from tests.capture.test_sweep import PLENTY

pytestmark = pytest.mark.slow

SEED = 7
WORKERS = 3
KILLS = 12


@contextmanager
def running(*command: object) -> Iterator[subprocess.Popen[str]]:
    """A process, killed in the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", *map(str, command)], stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def killed_worker(folder: Path, name: str, after_s: float) -> int:
    """Have a worker capture for a while and kill it; how many predictions it said it had kept."""
    with running("tests.capture.capturing_worker", folder, name) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(after_s)
        process.kill()
        rest = [line for line in process.stdout if line.endswith("\n")]
        return int(rest[-1]) if rest else 20


def half_files(folder: Path) -> list[Path]:
    """What is being written, or was."""
    return list(folder.rglob(".*.tmp"))


def found(folder: Path) -> Counter[bytes]:
    """How many rows there are of each prediction."""
    rows: Counter[bytes] = Counter()
    for some in captured(folder, "m"):
        assert not np.isnan(some.inputs["x"]).any()
        rows.update(bytes(name) for name in some.ids.prediction.view("V16"))
    return rows


def test_killed_workers_lose_what_they_had_not_flushed_and_leave_no_half_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    draw = random.Random(SEED)
    told = {
        name: killed_worker(tmp_path, name, draw.uniform(0.0, 0.2))
        for name in map(str, range(WORKERS))
    }
    rows = found(tmp_path)
    for name, last in told.items():
        for number in range(last):
            assert rows.pop(id_of(f"{name}/{number}")) == ROWS
    assert set(rows.values()) <= {ROWS}  # flushed, and killed before it could say so
    assert caplog.records == []


def test_a_worker_that_is_killed_while_it_writes_leaves_nothing_that_is_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with running("tests.capture.capturing_worker", tmp_path, "a", 20_000) as process:
        assert process.stdout is not None
        process.stdout.readline()
        while not half_files(tmp_path):
            assert process.poll() is None
        process.kill()
        process.wait()
        told = 20 + sum(20 for line in process.stdout if line.endswith("\n"))
    rows = found(tmp_path)
    assert [rows[id_of(f"a/{number}")] for number in range(told)] == [20_000] * told
    assert len(rows) in (told, told + 20)
    assert caplog.records == []
    now = NOON / 1000
    (half,) = half_files(tmp_path) or [tmp_path / "m" / "2027-01-15" / ".renamed-just-then.tmp"]
    half.touch()
    os.utime(half, (now, now))
    Sweep(tmp_path, lambda _model: ids()).step(now + LEFT_S + 1, lambda _model: PLENTY)
    assert half_files(tmp_path) == []
    assert found(tmp_path) == rows


def test_a_sweep_that_is_killed_loses_and_doubles_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    draw = random.Random(SEED)
    names = [str(n) for n in range(3)]
    for name in names:
        killed_worker(tmp_path, name, 0.3)
    before = found(tmp_path)
    gone = [f"{name}/{number}" for name in names for number in range(0, 20, 3)]
    for _ in range(KILLS):
        with running("tests.capture.sweeping", tmp_path, NOON + 2 * HOUR, *gone) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(draw.uniform(0.0, 0.15))
    with running("tests.capture.sweeping", tmp_path, NOON + 2 * HOUR, *gone) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert process.stdout.readline() == "swept\n"
    for name in gone:
        assert before.pop(id_of(name)) == ROWS
    assert found(tmp_path) == before
    assert len(listed(tmp_path)) == 1
    assert caplog.records == []
