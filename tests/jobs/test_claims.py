"""Each job is claimed once, and never more of them than may run, however many claim at once."""

import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from service.base.database import open_database
from service.base.http_errors import Conflict
from service.jobs.job import JobState
from service.jobs.store import JobStore
from tests.databases import migrate
from tests.jobs.claimer import claim_all
from tests.jobs.orders import order

JOBS = 60
MODELS = 7
AT_ONCE = 3


def queue(store: JobStore) -> set[str]:
    return {store.submit(order(f"model-{n % MODELS}"), 1.0).id for n in range(JOBS)}


def check(store: JobStore, asked: set[str], claimed: list[str]) -> None:
    assert Counter(claimed) == Counter(asked)
    assert {job.attempt for job in store.find(limit=JOBS)} == {1}
    assert {job.state for job in store.find(limit=JOBS)} == {JobState.GATED}
    assert sum(count.jobs for count in store.counts()) == JOBS


@pytest.mark.slow
def test_by_threads(store: JobStore, database_url: str) -> None:
    asked = queue(store)

    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(lambda _: claim_all(database_url, AT_ONCE), range(6)))

    check(store, asked, [job for jobs in found for job in jobs])


@pytest.mark.slow
def test_by_processes(store: JobStore, database_url: str) -> None:
    asked = queue(store)
    command = [sys.executable, "-m", "tests.jobs.claimer", database_url, str(AT_ONCE)]

    claimers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    claimed = [line for one in claimers for line in one.communicate()[0].split()]

    assert [one.returncode for one in claimers] == [0] * 4
    check(store, asked, claimed)


def steps_of_a_claim(folder: Path, jobs: int) -> int:
    """How much a claim has SQLite do, in hundreds of its steps, with so many jobs waiting."""
    engine = open_database(f"sqlite:///{folder}/{jobs}.sqlite")
    migrate(engine)
    store = JobStore(engine, "/models")
    for number in range(jobs):
        store.submit(order(f"model-{number % 2}"), float(number))
    steps = []

    def count() -> None:
        steps.append(1)

    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.set_progress_handler(count, 100)
    assert store.claim(1e6, at_once=2) is not None
    engine.dispose()
    return len(steps)


def test_a_claim_costs_as_much_more_as_more_jobs_wait_and_no_more(tmp_path: Path) -> None:
    few, many = steps_of_a_claim(tmp_path, 100), steps_of_a_claim(tmp_path, 1000)

    assert 0 < many < 20 * few


def test_one_key_from_many_threads_at_once_is_one_job(store: JobStore) -> None:
    with ThreadPoolExecutor(8) as threads:
        jobs = list(threads.map(lambda _: store.submit(order(key="k"), 1.0), range(24)))

    assert len({job.id for job in jobs}) == 1
    assert len(store.find()) == 1
    assert len(store.events(jobs[0].id)) == 1
    with pytest.raises(Conflict):
        store.submit(order("other", key="k"), 1.0)
