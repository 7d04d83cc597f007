"""Old jobs go with their folders; what is new, runs, or isn't a job's stays."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.base.aside import PART
from service.base.database import open_database
from service.controller.job_pruning import DAY_S, JobPruning
from service.jobs.ids import new_id
from service.jobs.job import Job, JobState
from service.jobs.store import JobStore
from tests.databases import migrate
from tests.jobs.orders import begun

NOW = 1e9


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    engine = open_database(f"sqlite:///{tmp_path}/jobs.sqlite")
    migrate(engine)
    yield JobStore(engine, "/models")
    engine.dispose()


@pytest.fixture
def jobs_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "jobs"
    folder.mkdir()
    return folder


def folder_of(jobs_dir: Path, job: str, age_s: float) -> Path:
    folder = jobs_dir / job / "checkpoints"
    folder.mkdir(parents=True)
    os.utime(folder.parent, (NOW - age_s, NOW - age_s))
    return folder.parent


def ended(store: JobStore, age_s: float, model: str) -> Job:
    job = begun(store, NOW - age_s, model)
    found = store.finish(job.id, 1, JobState.FAILED, NOW - age_s, {}, "no")
    store.mark_told(job.id)
    return found


def test_jobs_go_with_their_folders_once_they_are_old(store: JobStore, jobs_dir: Path) -> None:
    old, new = ended(store, 31 * DAY_S, "a"), ended(store, 29 * DAY_S, "b")
    running = begun(store, NOW - 90 * DAY_S, "c")
    folders = [folder_of(jobs_dir, job.id, 90 * DAY_S) for job in (old, new, running)]

    JobPruning(store, jobs_dir, 30, lambda: NOW)()

    assert [folder.exists() for folder in folders] == [False, True, True]
    assert store.ids() == {new.id, running.id}


def test_folders_without_a_job_go_too_unless_they_are_new_or_no_job_s(
    store: JobStore, jobs_dir: Path, tmp_path: Path
) -> None:
    left = folder_of(jobs_dir, new_id(1.0), 40 * DAY_S)
    new = folder_of(jobs_dir, new_id(2.0), 60.0)
    strange = folder_of(jobs_dir, "notes", 400 * DAY_S)
    elsewhere = folder_of(tmp_path, "elsewhere", 400 * DAY_S)
    link = jobs_dir / new_id(3.0)
    link.symlink_to(elsewhere)

    JobPruning(store, jobs_dir, 30, lambda: NOW)()

    assert not left.exists()
    assert all(path.exists() for path in (new, strange, elsewhere, link))


def test_whoever_watches_sees_the_end_even_if_nothing_is_to_be_kept(
    store: JobStore, jobs_dir: Path
) -> None:
    job = ended(store, 60.0, "a")
    old = ended(store, 3 * 3600.0, "b")

    JobPruning(store, jobs_dir, 0, lambda: NOW)()

    assert store.ids() == {job.id}
    assert old.id not in store.ids()


def test_without_a_folder_of_jobs_there_is_nothing_to_do(store: JobStore, tmp_path: Path) -> None:
    JobPruning(store, tmp_path / "none", 30, lambda: NOW)()


def test_scratch_rows_and_backups_go_once_their_job_has_ended(
    store: JobStore, jobs_dir: Path
) -> None:
    gone, running = ended(store, 60.0, "a"), begun(store, NOW, "b")
    for job in (gone, running):
        folder_of(jobs_dir, job.id, 0.0)
        for left in ("attempt-1", "data", "live", "backup"):
            (jobs_dir / job.id / left).mkdir()
        (jobs_dir / job.id / "checkpoints" / f"{PART}0f0f0f0f-best.keras").write_bytes(b"half")

    JobPruning(store, jobs_dir, 30, lambda: NOW)()

    assert not list((jobs_dir / gone.id).rglob(f"{PART}*"))
    assert list((jobs_dir / running.id).rglob(f"{PART}*"))
    assert [path.name for path in sorted((jobs_dir / gone.id).iterdir())] == ["checkpoints"]
    assert (jobs_dir / running.id / "attempt-1").is_dir()
    assert (jobs_dir / running.id / "data").is_dir()
