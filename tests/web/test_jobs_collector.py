"""What a scrape tells of training, out of a real job table, and that no counter ever falls."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from service.jobs.job import Job, JobOrder, JobState, Kind
from service.jobs.store import JobStore
from service.repository.model_config import ModelConfig
from service.repository.states import State, VersionRow
from service.web.jobs_collector import JobsCollector, longest_interval, read_figures
from service.web.process import WebProcess
from tests.fakes import FakeVersion
from tests.web.client import FlaskClient, row, working

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC).timestamp()
HOUR, DAY = 3600.0, 86_400.0


@pytest.fixture
def process(tmp_path: Path) -> Iterator[WebProcess]:
    with working(tmp_path, {"m": FakeVersion()}) as worker:
        yield worker


def scrape(store: JobStore, *rows: VersionRow) -> CollectorRegistry:
    figures = read_figures(store)
    assert figures is not None
    registry = CollectorRegistry(auto_describe=False)
    registry.register(JobsCollector(figures, rows or (row("m"),), NOW))
    return registry


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(f"kerasd_training_{name}", {"model": "m", **labels})


def begin(store: JobStore, at: float, trigger: str = "api", kind: Kind = Kind.RETRAIN) -> Job:
    store.submit(JobOrder(kind, "m", {"long": "x" * 1000}, "ann", trigger), at)
    claimed = store.claim(at, at_once=10)
    assert claimed is not None
    return claimed


def run(store: JobStore, at: float, took: float, state: JobState, trigger: str = "api") -> None:
    job = begin(store, at, trigger)
    store.finish(job.id, job.attempt, state, at + took, {})
    store.mark_told(job.id)


def test_a_model_that_was_never_trained_begins_at_nothing(process: WebProcess) -> None:
    told = scrape(process.jobs)
    for trigger in ("api", "cli", "schedule"):
        for outcome in ("succeeded", "failed", "cancelled", "not_promoted"):
            assert value(told, "runs_total", trigger=trigger, outcome=outcome) == 0
    assert value(told, "in_progress") == 0
    assert value(told, "duration_seconds_count") == 0
    assert value(told, "last_success_timestamp_seconds") is None
    assert value(told, "schedule_interval_seconds") is None


def test_runs_are_counted_by_how_they_ended(process: WebProcess) -> None:
    store = process.jobs
    run(store, NOW - 9 * HOUR, 20, JobState.PUBLISHED)
    run(store, NOW - 8 * HOUR, 100, JobState.GATED, "schedule")
    run(store, NOW - 7 * HOUR, 5, JobState.FAILED, "schedule")
    run(store, NOW - 6 * HOUR, 5, JobState.CANCELLED, "cli")
    evaluation = begin(store, NOW - HOUR, kind=Kind.EVALUATE)
    store.finish(evaluation.id, evaluation.attempt, JobState.SUCCEEDED, NOW, {})

    told = scrape(store)

    assert value(told, "runs_total", trigger="api", outcome="succeeded") == 1
    assert value(told, "runs_total", trigger="schedule", outcome="not_promoted") == 1
    assert value(told, "runs_total", trigger="schedule", outcome="failed") == 1
    assert value(told, "runs_total", trigger="cli", outcome="cancelled") == 1
    assert value(told, "duration_seconds_count") == 4
    assert value(told, "duration_seconds_sum") == 130
    assert value(told, "duration_seconds_bucket", le="10.0") == 2
    assert value(told, "duration_seconds_bucket", le="30.0") == 3
    assert value(told, "duration_seconds_bucket", le="+Inf") == 4
    assert value(told, "last_success_timestamp_seconds") == NOW - 8 * HOUR + 100


def test_counters_stay_when_their_jobs_are_forgotten(process: WebProcess) -> None:
    store = process.jobs
    run(store, NOW - 9 * HOUR, 20, JobState.PUBLISHED)
    store.prune(NOW)
    assert store.find() == []
    told = scrape(store)
    assert value(told, "runs_total", trigger="api", outcome="succeeded") == 1
    assert value(told, "duration_seconds_count") == 1
    assert value(told, "last_success_timestamp_seconds") == NOW - 9 * HOUR + 20


def test_the_run_in_progress_tells_how_it_goes(process: WebProcess) -> None:
    store = process.jobs
    run(store, NOW - 9 * HOUR, 20, JobState.PUBLISHED)
    job = begin(store, NOW - 60)
    progress = {
        "epoch": 3, "epochs": 10, "batch": 5, "batches": 20, "learning_rate": 0.001,
        "metrics": {"loss": 0.5, "val_loss": 0.75, "accuracy": None},
    }  # fmt: skip
    store.beat(job.id, job.attempt, NOW - 5, progress)

    told = scrape(store)

    assert value(told, "in_progress") == 1
    assert value(told, "epoch") == 2  # the third is being run
    assert value(told, "epochs_planned") == 10
    assert value(told, "loss", split="train") == 0.5
    assert value(told, "loss", split="validation") == 0.75
    assert value(told, "learning_rate") == 0.001
    assert value(told, "last_progress_timestamp_seconds") == NOW - 5
    store.beat(job.id, job.attempt, NOW, {**progress, "batch": 20, "at": NOW - 4})
    assert value(scrape(store), "epoch") == 3
    assert value(scrape(store), "last_progress_timestamp_seconds") == NOW - 4


@pytest.mark.parametrize("strange", [{"epoch": "x"}, {"epoch": True}, {"metrics": 3}, {}])
def test_what_a_program_tells_breaks_no_scrape(
    process: WebProcess, strange: dict[str, object]
) -> None:
    job = begin(process.jobs, NOW)
    process.jobs.beat(job.id, job.attempt, NOW, strange)
    told = scrape(process.jobs)
    assert value(told, "epoch") is None
    assert value(told, "in_progress") == 1


@pytest.mark.parametrize(
    ("schedule", "interval"),
    [
        ("@daily", DAY),
        ("0 3 * * *", DAY),
        ("*/15 * * * *", 900.0),
        ("0 3 * * 1-5", 3 * DAY),
        ("0 0 30 2 *", None),
    ],
    ids=["nickname", "daily", "quarters", "weekdays", "never"],
)
def test_an_interval_is_the_longest_between_two_times(
    schedule: str, interval: float | None
) -> None:
    assert longest_interval(schedule, NOW) == interval


def test_a_schedule_stands_beside_its_last_success(process: WebProcess) -> None:
    data = {"data": {"file": "train.csv"}}
    config = ModelConfig(retrain={**data, "schedule": "0 3 * * *"})
    told = scrape(process.jobs, row("m", config=config))
    assert value(told, "schedule_interval_seconds") == DAY


def test_a_version_that_is_gone_has_no_say_in_the_schedule(process: WebProcess) -> None:
    gone = replace(row("m", State.RETIRED), version=3)
    data = {"data": {"file": "train.csv"}}
    config = ModelConfig(retrain={**data, "schedule": "0 3 * * *"})
    told = scrape(process.jobs, row("m", config=config), gone)
    assert value(told, "schedule_interval_seconds") == DAY


def test_a_scrape_has_them(process: WebProcess) -> None:
    text = FlaskClient(process).ask("GET", "/metrics").body.decode()
    assert 'kerasd_training_runs_total{model="m",outcome="failed",trigger="schedule"} 0.0' in text
    assert 'kerasd_training_in_progress{model="m"} 0.0' in text
