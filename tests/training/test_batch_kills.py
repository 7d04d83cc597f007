"""Killed at any moment, a batch prediction goes on: every row once, in the very same files."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import orjson
import pyarrow.parquet as pq
import pytest

from service.controller.job_program import JobProgram
from service.controller.jobs import limits
from service.controller.jobs_supervisor import JobsSupervisor
from service.jobs.job import Job, JobOrder, JobState, Kind
from service.jobs.local import LocalExecutor
from service.jobs.store import JobStore
from tests.conftest import ROOT
from tests.controller.test_job_kills import children
from tests.training.batch_state import FILES, MODEL, ROWS, BatchState, make_state, write_files

pytestmark = pytest.mark.slow

KILLS = 8
HASTE = 20
ENOUGH_S = 240.0
PROGRAM = [sys.executable, "-m", "service.cli.main", "batch-predict", MODEL]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[BatchState]:
    made = make_state(tmp_path, job_lease_s=5, job_attempts=100, jobs_at_once=4)
    write_files(made)
    yield made
    made.engine.dispose()


def begin(state: BatchState, target: str) -> "subprocess.Popen[str]":
    """A run in batches so small that it takes a while."""
    paths = [str(state.data / "in"), str(state.data / target)]
    return subprocess.Popen(
        [*PROGRAM, *paths, "--batch-rows", "5", "--json"], env=state.environment(), cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def wait_for_one_more(process: "subprocess.Popen[str]", folder: Path) -> None:
    """Until the process has finished a file that wasn't there, or has ended."""
    before = len(list(folder.glob("*.parquet")))
    while process.poll() is None and len(list(folder.glob("*.parquet"))) == before:
        time.sleep(0.01)


def check_rows(state: BatchState, target: str) -> None:
    tables = [pq.read_table(path) for path in sorted((state.data / target).glob("*.parquet"))]
    ids = [row for table in tables for row in table["id"].to_pylist()]
    assert sorted(ids) == list(range(FILES * ROWS))
    for table in tables:
        scores = np.array(table["scores"].to_pylist(), np.float32)
        np.testing.assert_array_equal(scores, np.array(table["x"].to_pylist(), np.float32))


def test_a_command_that_is_killed_goes_on_exactly(state: BatchState) -> None:
    draw = random.Random(3)
    out, err = begin(state, "whole").communicate(timeout=ENOUGH_S)
    assert orjson.loads(out)["rows"] == FILES * ROWS, err

    killed = 0
    for _ in range(FILES - 2):
        process = begin(state, "killed")
        wait_for_one_more(process, state.data / "killed")
        time.sleep(draw.uniform(0, 0.1))
        killed += process.poll() is None
        process.kill()
        process.communicate()
    out, err = begin(state, "killed").communicate(timeout=ENOUGH_S)

    assert killed >= 2
    assert orjson.loads(out)["rows"] == FILES * ROWS, err
    assert state.files("killed") == state.files("whole")
    check_rows(state, "killed")


def run_jobs(state: BatchState, jobs: JobStore, draw: random.Random | None) -> None:
    """Have the controller's own supervisor run them; kill a program now and then."""
    executor = LocalExecutor(state.settings.jobs_dir)
    program = JobProgram(state.settings)
    began = time.time()

    def hasty() -> float:
        """A wall clock on which pauses between attempts are short."""
        return began + (time.time() - began) * HASTE

    supervisor = JobsSupervisor(jobs, executor, program, limits(state.settings), hasty)
    deadline = time.monotonic() + ENOUGH_S
    kill_at = time.monotonic() + 0.6
    killed = 0
    while not all(job.is_ended for job in jobs.find()):
        assert time.monotonic() < deadline, jobs.find()
        supervisor.step(time.monotonic())
        found = children(os.getpid())
        if draw is not None and killed < KILLS and time.monotonic() > kill_at and found:
            with suppress(ProcessLookupError):
                os.kill(draw.choice(found), signal.SIGKILL)
            killed += 1
            kill_at = time.monotonic() + draw.uniform(0.2, 1.5)
        time.sleep(0.05)
    supervisor.close()


def ask(jobs: JobStore, target: str, of: int) -> list[Job]:
    request = {"input": "in", "output": target, "batch_rows": 5}
    return [
        jobs.submit(
            JobOrder(
                Kind.BATCH_PREDICT, MODEL, {**request, "shard": {"index": number, "of": of}}, "ada"
            ),
            time.time(),
        )
        for number in range(1, of + 1)
    ]


def test_four_jobs_write_what_one_does_whoever_is_killed(state: BatchState) -> None:
    jobs = JobStore(state.engine, state.settings.repository_key)
    ask(jobs, "whole", 1)
    run_jobs(state, jobs, None)
    four = ask(jobs, "shards", 4)
    run_jobs(state, jobs, random.Random(5))

    assert state.files("shards") == state.files("whole")
    check_rows(state, "shards")
    ended = [jobs.get(job.id) for job in four]
    assert {job.state for job in ended} == {JobState.SUCCEEDED}
    assert [job.result["files"] for job in ended] == [2, 2, 1, 1]
    assert sum(job.result["rows"] for job in ended) == FILES * ROWS
    assert sum(job.attempt for job in ended) > 4
    manifest = orjson.loads((state.data / "shards" / "_kerasd.json").read_bytes())
    assert [one["rows"] for one in manifest["files"].values()] == [ROWS] * FILES
    assert (manifest["version"], manifest["model"]) == (3, MODEL)
    assert ended[0].progress["rows"] == 2 * ROWS
    files = [event.body["file"] for event in jobs.events(ended[0].id) if event.kind == "file"]
    assert files == ["0.parquet", "4.parquet"]


def test_what_cannot_be_predicted_fails_the_job_with_file_and_row(state: BatchState) -> None:
    jobs = JobStore(state.engine, state.settings.repository_key)
    (state.data / "bad.csv").write_text("a,b,c\n1,2,3\n1,nan,3\n")
    for request in ({"input": "bad.csv"}, {"input": "bad.csv", "version": 9}, {"input": "no"}):
        order = JobOrder(Kind.BATCH_PREDICT, MODEL, {**request, "output": "out.csv"}, "ada")
        jobs.submit(order, time.time())
    run_jobs(state, jobs, None)
    ended = sorted(jobs.find(), key=lambda job: job.id)
    assert {job.state for job in ended} == {JobState.FAILED}
    assert [job.error for job in ended] == [
        "bad.csv: line 3, column 2 ('b'): is NaN; expected a finite number",
        "Version 9 of model pets isn't there",
        "no: is not there; expected a path in data_dir",
    ]
