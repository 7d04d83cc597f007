"""The controller's end as a process: jobs wait for the next one, the web process goes first."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.base.database import open_database
from service.base.lock import hold_lock
from service.base.settings import Settings
from service.jobs.job import JobOrder, JobState, Kind
from service.jobs.store import JobStore
from tests.databases import migrate
from tests.running import processes, wait_until

pytestmark = pytest.mark.slow

PROGRAM = """
import sys
from pathlib import Path
from service.base.settings import Settings
from service.controller.run import run_controller
place = Path(sys.argv[1])
settings = Settings(state_dir=place, repository=place, poll_s=0.1, drain_s=30)
run_controller(settings, ("sh", "-c", "sleep 101; exit"), place / "web.lock")
"""


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    settings = Settings(state_dir=tmp_path, repository=tmp_path)
    engine = open_database(settings.database)
    migrate(engine)
    return JobStore(engine, settings.repository_key)


@contextmanager
def controller(place: Path) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-c", PROGRAM, str(place)]
    with subprocess.Popen(command) as process:
        try:
            yield process
        finally:
            process.kill()


def sleepers() -> list[int]:
    return [pid for pid, _, command in processes() if command.startswith("sh -c sleep 101")]


def test_a_running_job_goes_back_into_the_queue(tmp_path: Path, store: JobStore) -> None:
    order = JobOrder(Kind.RETRAIN, "m", {"data": {"file": "rows.csv"}}, "somebody")
    job = store.submit(order, 0.0).id
    with controller(tmp_path) as process:
        wait_until(lambda: len(sleepers()) > 0, "it has begun", 60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert store.get(job).state is JobState.QUEUED
    assert sleepers() == []


def test_it_outlives_the_web_process_that_ends_with_it(tmp_path: Path, store: JobStore) -> None:
    assert store.active() == []
    lock = tmp_path / "web.lock"
    with controller(tmp_path) as process:
        run_lock = tmp_path / "run" / "controller.lock"
        wait_until(run_lock.exists, "it works", 60)
        with hold_lock(lock, tmp_path):
            process.send_signal(signal.SIGTERM)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(1.5)
        assert process.wait(20) == 0
