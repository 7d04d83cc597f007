"""Killed at random moments, child or controller: each job ends as if nobody had disturbed it."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from service.base.database import open_database
from service.jobs.job import JobState
from service.jobs.store import JobStore
from tests.databases import migrate
from tests.jobs.counting import expected
from tests.jobs.orders import order
from tests.postgres import running_postgres

pytestmark = pytest.mark.slow

STEPS = 40
KILLS = 20
ENOUGH_S = 120.0


class Machine:
    """A controller and its children, any of which may be killed; another controller goes on."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        (folder / "models").mkdir()
        settings = {
            "repository": folder / "models", "state_dir": folder / "state",
            "database_url": database_url, "poll_s": 0.05, "jobs_at_once": 2, "job_lease_s": 5,
            "job_attempts": 100, "log_level": "ERROR",
        }  # fmt: skip
        self._environment = {
            **os.environ, **{f"KERASD_{key.upper()}": str(of) for key, of in settings.items()},
        }  # fmt: skip
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.controller.counting_controller", str(STEPS), "0.1"]
        self.controller = subprocess.Popen(command, env=self._environment)

    def kill_controller(self) -> None:
        self.controller.kill()
        self.controller.wait()
        self.start()

    def kill_child(self, draw: random.Random) -> None:
        """Any program of a job that there is at this moment, whatever it has become so far."""
        found = children(self.controller.pid)
        if found:
            with suppress(ProcessLookupError):
                os.kill(draw.choice(found), signal.SIGKILL)

    def close(self, number: signal.Signals = signal.SIGKILL) -> None:
        self.controller.send_signal(number)
        self.controller.wait(60)


def children(pid: int) -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "postgresql":
        with running_postgres() as server:
            yield server.migrated()
    else:
        address = f"sqlite:///{tmp_path}/kerasd.sqlite"
        engine = open_database(address)
        migrate(engine)
        engine.dispose()
        yield address


@pytest.fixture
def machine(url: str, tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path, url)
    yield made
    made.close()


@pytest.fixture
def jobs(machine: Machine, url: str) -> Iterator[JobStore]:
    engine = open_database(url)
    yield JobStore(engine, str(machine.folder / "models"))
    engine.dispose()


def wait_until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + ENOUGH_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def wait_until_all_have_ended(jobs: JobStore) -> None:
    wait_until(lambda: all(job.is_ended for job in jobs.find()))


def test_whatever_is_killed_each_job_ends_as_if_nothing_had_been(
    machine: Machine, jobs: JobStore
) -> None:
    draw = random.Random(7)
    asked = [jobs.submit(order(f"m{n}"), time.time()).id for n in range(3)]

    for number in range(KILLS):
        time.sleep(draw.uniform(0.0, 2.0))
        if number % 3 == 2:
            machine.kill_controller()
        else:
            machine.kill_child(draw)
    wait_until_all_have_ended(jobs)

    for job in map(jobs.get, asked):
        assert (job.state, job.result) == (JobState.PUBLISHED, {"value": expected(STEPS)}), job
        published = machine.folder / "state" / "jobs" / job.id / "published"
        assert (published / "value").read_text() == str(expected(STEPS))
        events = jobs.events(job.id)
        epochs = [event.body["epoch"] for event in events if event.kind == "epoch"]
        assert epochs == sorted(set(epochs))  # none was done again after it was kept
        assert [event.number for event in events] == list(range(1, len(events) + 1))
        ends = [event for event in events if event.body.get("state") == "PUBLISHED"]
        assert ends == events[-1:]
    assert sum(jobs.get(job).attempt for job in asked) > len(asked)
    assert sum(count.jobs for count in jobs.counts()) == len(asked)


def test_a_controller_that_is_told_to_end_leaves_its_jobs_to_the_next(
    machine: Machine, jobs: JobStore
) -> None:
    job = jobs.submit(order(), time.time())
    wait_until(lambda: jobs.get(job.id).progress)
    (child,) = children(machine.controller.pid)

    machine.close(signal.SIGTERM)

    found = jobs.get(job.id)
    assert (found.state, found.error) == (JobState.QUEUED, "the controller was ended")
    assert machine.controller.returncode == 0
    assert not Path(f"/proc/{child}").exists()
    machine.start()
    wait_until_all_have_ended(jobs)
    ended = jobs.get(job.id)
    assert (ended.state, ended.attempt) == (JobState.PUBLISHED, 2)
