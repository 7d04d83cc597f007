"""A job's program that counts: each step is kept in a file, and the end is published once.

Run as `python -m tests.jobs.counting DATABASE REPOSITORY FOLDER STEPS STEP_S JOB ATTEMPT`. What it
publishes depends on all of its steps, in order: a step that is lost or done twice shows.
"""

import os
import sys
import time
from pathlib import Path

from service.base.database import open_database
from service.base.durable import rename_new
from service.base.job_errors import Cancelled, Superseded
from service.jobs.attempt import Attempt
from service.jobs.job import JobState
from service.jobs.store import JobStore


def following(value: int, step: int) -> int:
    return (value * 31 + step) % 1_000_003


def expected(steps: int) -> int:
    value = 0
    for step in range(steps):
        value = following(value, step)
    return value


def main(database: tuple[str, str], folder: str, steps: str, step_s: str, *which: str) -> None:
    job, attempt = which
    store = JobStore(open_database(database[0]), database[1])
    row = store.get(job)
    if row.attempt != int(attempt):
        return
    home = Path(folder) / job
    home.mkdir(parents=True, exist_ok=True)
    with Attempt(store, row, home, lease_s=2.0) as current:
        try:
            count(current, int(steps), float(step_s))
        except Cancelled:
            current.finish(JobState.CANCELLED, {})
        except Superseded:
            pass


def count(attempt: Attempt, steps: int, step_s: float) -> None:
    kept = attempt.folder / "kept"
    done, value = map(int, kept.read_text().split()) if kept.exists() else (0, 0)
    for step in range(done, steps):
        time.sleep(step_s)
        value = following(value, step)
        attempt.check()
        part = attempt.folder / f"kept-{attempt.number}"
        part.write_text(f"{step + 1} {value}")
        os.replace(part, kept)
        attempt.event("epoch", epoch=step)
        attempt.progress(epoch=step, epochs=steps)
        attempt.saved()
    attempt.advance(JobState.EVALUATING)
    publish(attempt, value)
    attempt.finish(JobState.PUBLISHED, {"value": value})


def publish(attempt: Attempt, value: int) -> None:
    """Once, whichever attempt comes to it: the name is the job's."""
    attempt.check()
    aside = attempt.folder / f"aside-{attempt.number}"
    aside.mkdir(exist_ok=True)
    (aside / "value").write_text(str(value))
    try:
        rename_new(aside, attempt.folder / "published")
    except FileExistsError:
        assert (attempt.folder / "published" / "value").read_text() == str(value)


if __name__ == "__main__":
    main((sys.argv[1], sys.argv[2]), *sys.argv[3:])
