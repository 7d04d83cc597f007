"""`kerasd retrain`, `evaluate` and `jobs` against a real worker behind the real edge."""

import threading
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from service.jobs.job import JobState
from service.recipe.retrain import RetrainRequest
from tests.cli.command import kerasd_apart as kerasd
from tests.running import wait_until
from tests.web.jobs.world import Program, World, submit, world

pytestmark = pytest.mark.slow

CSV = "a,b,c,y\n" + "".join(f"{n},{n % 7},{n % 5},{n % 3}\n" for n in range(300))
RESULT = {
    "version": 3, "promoted": True, "not_promoted_because": "",
    "epochs": {"best_epoch": 2, "stopped_why": "all 2 epochs that were asked for were run"},
    "gate": {"passed": True, "summary": "the gate was passed",
             "reasons": [{"rule": "gain", "passed": True, "text": "macro_f1 is higher by 0.1"}]},
    "scores": [{"version": "candidate", "dataset": "test", "rows": 45,
                "metrics": {"macro_f1": 0.8125, "accuracy": 0.9}},
               {"version": 2, "dataset": "test", "rows": 45, "metrics": {"macro_f1": 0.7125}}],
}  # fmt: skip


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("jobs")) as made:
        wait_until(lambda: bool(made.process.pool.slots()), "the models are loaded", 10)
        yield made


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "train.csv"
    path.write_text(CSV)
    return path


def epoch(program: Program, number: int) -> None:
    metrics = {"loss": 1 / number, "val_loss": 2 / number}
    program.tell("epoch", epoch=number, epochs=2, metrics=metrics, learning_rate=0.001,
                 duration_s=1.5)  # fmt: skip
    program.progress(epoch=number, epochs=2, batch=9, batches=9, metrics=metrics, eta_s=3.0)


def test_a_retrain_is_asked_for_with_its_data(here: World, source: Path) -> None:
    ran = kerasd(
        "retrain", "m", "--data", str(source), "--epochs", "3", "--set", "fit.batch_size=16",
        "--patience", "2", "--why", "new rows", "--url", here.url,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    job = here.process.jobs.find("m")[0]
    assert ran.stdout == f"job {job.id} is QUEUED; see: kerasd jobs watch {job.id}\n"
    asked = RetrainRequest.model_validate(job.request)
    assert (asked.fit.epochs, asked.fit.batch_size, job.trigger) == (3, 16, "cli")
    assert asked.data.file.endswith(".csv")
    assert here.process.reloader.store.audit("m")[0].why == "new rows"
    told = kerasd("retrain", "m", "--server-data", asked.data.file, "--url", here.url, "--json")
    assert orjson.loads(told.stdout)["request"]["data"]["file"] == asked.data.file


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--epochs", "3"), 1, "data: Field required"),
        (("--label", "y"), 2, "say which rows"),
        (("--server-data", "none.csv"), 1, "none.csv"),
        (("--set", "fit"), 2, "NAME.NAME=VALUE"),
        (("--server-data", "x.csv", "--epochs", "0"), 1, "fit.epochs"),
    ],
    ids=["no data", "no rows", "missing", "set", "epochs"],
)
def test_what_cannot_be_is_told_in_one_line(
    here: World, arguments: tuple[str, ...], code: int, words: str
) -> None:
    ran = kerasd("retrain", "m", *arguments, "--url", here.url)
    assert (ran.returncode, words in ran.stderr) == (code, True), ran.stderr


def test_a_job_is_watched_until_a_version_is_published(here: World) -> None:
    program = Program(here.process, "other")
    epoch(program, 1)

    def work() -> None:
        wait_until(lambda: here.watchers.count == 1, "somebody watches", 20)
        epoch(program, 2)
        program.finish(JobState.PUBLISHED, **RESULT)

    worker = threading.Thread(target=work)
    worker.start()
    ran = kerasd("jobs", "watch", program.id, "--url", here.url)
    worker.join()
    assert ran.returncode == 0, ran.stderr
    assert "epoch 1/2  loss 1  val_loss 2  learning rate 0.001  1.5 s" in ran.stderr
    assert "epoch 2/2  loss 0.5  val_loss 1  learning rate 0.001  1.5 s" in ran.stderr
    assert "best epoch 2; stopped: all 2 epochs" in ran.stdout
    assert "gate: gain: passed: macro_f1 is higher by 0.1" in ran.stdout
    assert "0.8125" in ran.stdout
    assert ran.stdout.endswith("version 3 is published, and is current now\n")


def test_a_candidate_that_was_not_good_enough_ends_with_1(here: World) -> None:
    program = Program(here.process, "other")
    gate = {"passed": False, "summary": "macro_f1 is no higher", "reasons": []}
    program.finish(JobState.GATED, gate=gate)
    ran = kerasd("jobs", "watch", program.id, "--url", here.url)
    assert (ran.returncode, ran.stdout) == (1, "not published: macro_f1 is no higher\n")
    told = kerasd("jobs", "watch", program.id, "--url", here.url, "--json")
    assert orjson.loads(told.stdout)["state"] == "GATED"


def test_jobs_are_listed_shown_cancelled_and_their_files_read(here: World, tmp_path: Path) -> None:
    program = Program(here.process, "other")
    epoch(program, 1)
    folder = here.process.settings.jobs_dir / program.id
    folder.mkdir(parents=True)
    (folder / "job.log").write_text("line \x1b[31mone\n")
    (folder / "report.json").write_text("{}")

    def run(*arguments: str) -> str:
        ran = kerasd("jobs", *arguments, "--url", here.url)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    listed = orjson.loads(run("list", "other", "--state", "RUNNING", "--json"))
    assert [one["id"] for one in listed] == [program.id]
    assert "epoch 1/2" in run("list", "other")
    shown = run("show", program.id)
    assert "state     RUNNING, attempt 1" in shown
    assert "progress  epoch 1/2, 3 s left" in shown
    assert run("log", program.id) == "line \N{REPLACEMENT CHARACTER}[31mone\n"
    assert "report.json" in run("artefacts", program.id)
    target = tmp_path / "copy.json"
    assert run("artefacts", program.id, "report.json", "--output", str(target)) == f"{target}\n"
    assert target.read_text() == "{}"
    assert run("cancel", program.id) == f"job {program.id} ends at its next batch\n"
    waiting = submit(here.process, "other").id
    assert run("cancel", waiting) == f"job {waiting} is CANCELLED\n"
    program.finish(JobState.CANCELLED)


def test_an_evaluation_is_watched_and_its_scores_are_printed(here: World, source: Path) -> None:
    def work() -> None:
        found: list[str] = []

        def is_there() -> bool:
            found[:] = [job.id for job in here.process.jobs.find(state=JobState.QUEUED)
                        if job.kind == "evaluate"]  # fmt: skip
            return bool(found)

        wait_until(is_there, "the evaluation is queued", 20)
        Program(here.process, job=found[0]).finish(
            JobState.SUCCEEDED, scores=RESULT["scores"],
            comparisons=[{"a": 1, "b": 2, "verdict": {
                "finding": "b is better", "only_a_right": 1, "only_b_right": 9, "p": 0.01}}],
        )  # fmt: skip

    worker = threading.Thread(target=work)
    worker.start()
    ran = kerasd("evaluate", "m", str(source), "--version", "2", "--url", here.url)
    worker.join()
    assert ran.returncode == 0, ran.stderr
    assert "0.8125" in ran.stdout
    assert "version 2 against 1: b is better (p 0.01; 9 rows right that were wrong, 1 lost)" in (
        ran.stdout
    )
