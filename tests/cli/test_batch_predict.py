"""`kerasd batch-predict` as its users see it: beside a state directory, and as jobs."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import orjson
import pytest

from service.cli.batch_request import columns_of, label_names_of
from service.jobs.job import JobState
from tests.cli.command import kerasd_apart as kerasd
from tests.conftest import ROOT
from tests.running import wait_until
from tests.training.batch_state import MODEL, BatchState, make_state, write_files
from tests.web.jobs.world import Program, World, world


def test_columns_are_told_as_words() -> None:
    given = ("features=a, b", "features=c", 'ignore=["x,y"]', "weight=w")
    assert columns_of(given) == {"features": ["a", "b", "c"], "ignore": ["x,y"], "weight": "w"}
    for wrong in ("a,b", "feature=a", "time=a,b", "ignore=[1"):
        with pytest.raises(click.UsageError):
            columns_of((wrong,))


def test_label_names_are_words_or_the_lines_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "names").write_text("red, green\nblue\n")
    assert label_names_of("red, blue") == ["red", "blue"]
    assert label_names_of(str(tmp_path / "names")) == ["red, green", "blue"]
    assert label_names_of(None) == []


@pytest.fixture
def state(tmp_path: Path) -> Iterator[BatchState]:
    made = make_state(tmp_path)
    write_files(made, files=2, rows=50)
    yield made
    made.engine.dispose()


def run(state: BatchState, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "service.cli.main", "batch-predict", *arguments],
        env=state.environment(), cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.slow
def test_it_runs_beside_the_service_s_state(state: BatchState) -> None:
    source, target = str(state.data / "in"), str(state.data / "out")
    ran = run(state, MODEL, source, target)
    assert (ran.returncode, ran.stdout) == (0, "100 rows in 2 files by version 3\n"), ran.stderr
    again = run(state, MODEL, source, target, "--json")
    assert orjson.loads(again.stdout) == {
        "model": MODEL, "version": 3, "rows": 100, "errors": 0, "files": 2,
    }  # fmt: skip
    other = run(state, MODEL, source, target, "--keep", "none")
    assert other.returncode == 1
    assert "with keep 'all' and not 'none': name another output, or begin another" in other.stderr
    assert run(state, MODEL, source, target, "--keep", "none", "--fresh").returncode == 0
    (state.data / "bad.csv").write_text("a,b,c\n1,2,3\n,2,3\n")
    bad = [MODEL, str(state.data / "bad.csv"), str(state.data / "bad.out.csv")]
    refused = run(state, *bad)
    assert (refused.returncode, refused.stderr.lstrip()) == (
        1, "kerasd: bad.csv: line 3, column 1 ('a'): is empty; expected a number\n",
    )  # fmt: skip
    skipped = run(state, *bad, "--skip-bad", "--label-names", "x,y,z", "--format", "ndjson")
    assert skipped.stdout == "2 rows in 1 file by version 3, 1 of them without a prediction\n"
    assert '"label":"z"' in (state.data / "bad.out.csv").read_text()
    assert "Model nobody isn't known" in run(state, "nobody", source, target).stderr
    assert run(state, MODEL, source, target, "--batch-rows", "0").returncode == 2


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("service")
    (folder / "data" / "in").mkdir(parents=True)
    with world(folder, data_dir=folder / "data") as made:
        wait_until(lambda: bool(made.process.pool.slots()), "the models are loaded", 10)
        yield made


@pytest.mark.slow
@pytest.mark.parametrize("end", ["complete", "incomplete", "cancelled"])
def test_shards_are_jobs_that_are_watched_to_their_end(here: World, end: str) -> None:
    known = {job.id for job in here.process.jobs.find()}
    asked: list[dict[str, object]] = []

    def work() -> None:
        wait_until(lambda: len(here.process.jobs.find()) == len(known) + 3, "all are asked for", 30)
        for job in reversed(here.process.jobs.find()):
            if job.id not in known:
                asked.append(dict(job.request))
                program = Program(here.process, job=job.id)
                program.progress(rows=10, files=1, files_total=1, bytes=5, bytes_total=5)
                is_last = len(asked) == 3
                if end != "cancelled" or not is_last:
                    done = {"rows": 10, "errors": 1, "files": 1}
                    complete = is_last and end == "complete"
                    program.finish(JobState.SUCCEEDED, complete=complete, **done)
                else:
                    program.finish(JobState.CANCELLED)

    worker = threading.Thread(target=work)
    worker.start()
    ran = kerasd("batch-predict", "m", "in", "out", "--shards", "3", "--fresh", "--url", here.url)
    worker.join()
    assert [one["shard"] for one in asked] == [{"index": n, "of": 3} for n in (1, 2, 3)]
    assert len({str(one["run"]) for one in asked}) == 1
    assert {one["version"] for one in asked} == {2}
    if end == "complete":
        told = "30 rows in 3 files by version 2, 3 of them without a prediction\n"
        assert (ran.returncode, ran.stdout) == (0, told), ran.stderr
    else:
        told = {"cancelled": "is CANCELLED", "incomplete": "not all files are there"}[end]
        assert (ran.returncode, ran.stdout, told in ran.stderr) == (1, "", True), ran.stderr
