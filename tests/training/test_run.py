"""The program of a job: what it writes into the row, and what only its exit code can tell."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.base.aside import PART
from service.base.database import open_database
from service.base.settings import Settings
from service.jobs import exits
from service.jobs.job import Job, JobOrder, JobState, Kind
from service.jobs.store import JobStore
from service.repository.states import State, VersionRow
from service.repository.store import VersionStore
from tests.databases import migrate

pytestmark = pytest.mark.slow


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "models").mkdir()
    (tmp_path / "state").mkdir()
    return Settings(repository=tmp_path / "models", state_dir=tmp_path / "state")


@pytest.fixture
def engine(settings: Settings) -> Iterator[sa.Engine]:
    engine = open_database(settings.database)
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: sa.Engine, settings: Settings) -> JobStore:
    return JobStore(engine, settings.repository_key)


@pytest.fixture
def job(store: JobStore) -> Job:
    request = {"data": {"file": "rows.csv"}}
    store.submit(JobOrder(Kind.EVALUATE, "nobody", request, by="ada"), 1000.0)
    job = store.claim(1000.0, at_once=1, owner="here")
    assert job is not None
    return job


def run(settings: Settings, job: Job, attempt: int) -> "subprocess.CompletedProcess[str]":
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("KERASD_")},
        **settings.environment(),
    }
    program = [sys.executable, "-P", "-m", "service.training.run", job.id, str(attempt)]
    here = Path(__file__).parent.parent.parent
    return subprocess.run(program, env=environment, cwd=here, capture_output=True, text=True)


def test_what_can_not_be_done_is_the_jobs_end(
    settings: Settings, store: JobStore, job: Job
) -> None:
    ended = run(settings, job, job.attempt)

    assert ended.returncode == exits.DONE, ended.stderr[-2000:]
    row = store.get(job.id)
    assert row.state is JobState.FAILED
    assert "nobody" in row.error


def test_what_an_earlier_attempt_left_half_written_goes(settings: Settings, job: Job) -> None:
    folder = settings.jobs_dir / job.id / "checkpoints"
    folder.mkdir(parents=True)
    (folder / f"{PART}0f0f0f0f-best.keras").write_bytes(b"half")
    (folder / "best.keras").write_bytes(b"whole")

    run(settings, job, job.attempt + 1)  # isn't its turn
    assert len(list(folder.iterdir())) == 2
    run(settings, job, job.attempt)

    assert [path.name for path in folder.iterdir()] == ["best.keras"]


def test_an_attempt_that_is_not_the_one_that_runs_leaves_everything_as_it_is(
    settings: Settings, store: JobStore, job: Job
) -> None:
    ended = run(settings, job, job.attempt + 1)

    assert ended.returncode == exits.DONE, ended.stderr[-2000:]
    assert store.get(job.id) == job
    assert "superseded" in ended.stderr


def test_a_version_that_is_not_compiled_in_time_asks_for_another_attempt(
    settings: Settings, engine: sa.Engine, store: JobStore, job: Job
) -> None:
    row = VersionRow("nobody", 1, State.COMPILING)
    VersionStore(engine, settings.repository_key).replace([row])
    hasty = Settings(
        repository=settings.repository, state_dir=settings.state_dir, compile_timeout_s=1
    )

    ended = run(hasty, job, job.attempt)

    assert ended.returncode == exits.LATER, ended.stderr[-2000:]
    assert ended.stderr.endswith(
        "\nModel 'nobody' is not ready: its current version is still being compiled\n"
    )
    assert store.get(job.id).state is JobState.RUNNING


def test_a_database_that_is_away_asks_for_another_attempt(
    settings: Settings, engine: sa.Engine, job: Job
) -> None:
    engine.dispose()
    away = Settings(
        repository=settings.repository, state_dir=settings.state_dir,
        database_url=f"sqlite:///{settings.state_dir}/gone/kerasd.sqlite",
    )  # fmt: skip

    ended = run(away, job, job.attempt)

    assert ended.returncode == exits.AGAIN, ended.stderr[-2000:]
