"""How training goes, at the moment of a scrape, out of the job table alone.

The program that trains is another process, perhaps on another machine, and outlives workers. Every
worker and every replica tells the same; counters begin at 0 for each model that is known, and never
fall, although jobs are forgotten some time after their end.
"""

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate, pairwise

import sqlalchemy.exc
from cronsim import CronSim, CronSimError
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from service.jobs.job import Job, JobState, Kind
from service.jobs.store import JobStore
from service.jobs.store_counts import DURATION_BOUNDS, JobCount, JobDurations
from service.recipe.retraining import cron_line
from service.repository.policy import by_model, config_of
from service.repository.states import VersionRow

TRIGGERS = ("api", "cli", "schedule")
OUTCOMES = {
    JobState.PUBLISHED: "succeeded",
    JobState.SUCCEEDED: "succeeded",
    JobState.GATED: "not_promoted",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "cancelled",
}
JUDGED = (JobState.PUBLISHED, JobState.SUCCEEDED, JobState.GATED)
SPLITS = {"loss": "train", "val_loss": "validation"}
FIRINGS = 8
LE = (*(str(bound) for bound in DURATION_BOUNDS), "+Inf")


@dataclass(frozen=True, slots=True)
class JobFigures:
    """Of all models: what has ended, what runs, and the latest job that has begun of each."""

    counts: list[JobCount]
    durations: list[JobDurations]
    active: list[Job]
    latest: list[Job]


def read_figures(store: JobStore) -> JobFigures | None:
    """As they are now; none while the database is away."""
    try:
        return JobFigures(
            [one for one in store.counts() if one.kind is Kind.RETRAIN],
            [one for one in store.durations() if one.kind is Kind.RETRAIN],
            [job for job in store.active() if job.kind is Kind.RETRAIN],
            store.latest(Kind.RETRAIN),
        )
    except sqlalchemy.exc.SQLAlchemyError:  # the reloader tells of it
        return None


class JobsCollector(Collector):
    """Made for one scrape; `rows` are the versions of the models that are known."""

    def __init__(self, figures: JobFigures, rows: Collection[VersionRow], now: float) -> None:
        self._figures = figures
        self._schedules = schedules_of(rows)
        known = {row.model for row in rows} | {one.model for one in figures.counts}
        self._models = sorted(known | {job.model for job in figures.latest})
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """The families, one after the other."""
        yield from (self._runs(), self._durations(), self._in_progress())
        yield from self._progress()
        yield from (self._last_success(), self._intervals())

    def _runs(self) -> Metric:
        family = CounterMetricFamily(
            "kerasd_training_runs",
            "Retrains that have ended, by who asked for them and how they ended.",
            labels=["model", "trigger", "outcome"],
        )
        ended = {
            (model, trigger, outcome): 0
            for model in self._models
            for trigger in TRIGGERS
            for outcome in dict.fromkeys(OUTCOMES.values())
        }
        for one in self._figures.counts:
            key = (one.model, one.trigger, OUTCOMES[one.state])
            ended[key] = ended.get(key, 0) + one.jobs
        for labels, jobs in ended.items():
            family.add_metric(list(labels), jobs)
        return family

    def _durations(self) -> Metric:
        family = HistogramMetricFamily(
            "kerasd_training_duration_seconds",
            "Time of a retrain from its first beginning to its end, however it ended.",
            labels=["model"],
        )
        seconds = dict.fromkeys(self._models, 0.0)
        for one in self._figures.counts:
            seconds[one.model] += one.seconds
        taken = {one.model: one.buckets for one in self._figures.durations}
        for model in self._models:
            rows = accumulate(taken.get(model, (0,) * len(LE)))
            family.add_metric([model], list(zip(LE, rows, strict=True)), seconds[model])
        return family

    def _in_progress(self) -> Metric:
        family = _gauge("in_progress", "1 while a retrain of the model runs.")
        running = {job.model for job in self._figures.active}
        for model in self._models:
            family.add_metric([model], int(model in running))
        return family

    def _progress(self) -> Iterator[Metric]:
        """Of the job that runs, or of the last one."""
        epoch = _gauge("epoch", "Epochs that are done, of the retrain that runs or the last one.")
        planned = _gauge("epochs_planned", "Epochs that were asked for.")
        loss = _gauge("loss", "Loss as it was told last: train, validation.", "split")
        rate = _gauge("learning_rate", "Learning rate as it was told last.")
        told = _gauge(
            "last_progress_timestamp_seconds", "When the retrain last told how far it is."
        )
        for job in self._figures.latest:
            told.add_metric([job.model], _told_at(job))
            for family, value in (
                (epoch, _epochs_done(job.progress)),
                (planned, _number(job.progress, "epochs")),
                (rate, _number(job.progress, "learning_rate")),
            ):
                if value is not None:
                    family.add_metric([job.model], value)
            metrics = job.progress.get("metrics")
            for name, split in SPLITS.items():
                value = _number(metrics, name)
                if value is not None:
                    loss.add_metric([job.model, split], value)
        yield from (epoch, planned, loss, rate, told)

    def _last_success(self) -> Metric:
        family = _gauge(
            "last_success_timestamp_seconds",
            "When a retrain last came to its verdict, whether the candidate was published or not.",
        )
        latest: dict[str, float] = {}
        for one in self._figures.counts:
            if one.state in JUDGED:
                latest[one.model] = max(one.last_at, latest.get(one.model, 0.0))
        for model, at in latest.items():
            family.add_metric([model], at)
        return family

    def _intervals(self) -> Metric:
        family = _gauge(
            "schedule_interval_seconds", "Longest time between two retrains by schedule."
        )
        for model, schedule in self._schedules.items():
            interval = longest_interval(schedule, self._now)
            if interval is not None:
                family.add_metric([model], interval)
        return family


def schedules_of(rows: Collection[VersionRow]) -> dict[str, str]:
    """The schedule of each model that has one."""
    sections = {model: config_of(ours).retrain for model, ours in sorted(by_model(rows).items())}
    return {
        model: section.schedule
        for model, section in sections.items()
        if section is not None and section.schedule
    }


def longest_interval(schedule: str, now: float) -> float | None:
    """The longest time between two of the next times; none for a line that names fewer."""
    try:
        times = CronSim(cron_line(schedule), datetime.fromtimestamp(now, UTC))
        coming = [next(times).timestamp() for _ in range(FIRINGS)]
    except (CronSimError, StopIteration):
        return None
    return max(b - a for a, b in pairwise(coming))


def _epochs_done(progress: Mapping[str, object]) -> float | None:
    """The one that is being run is not done before its last batch."""
    epoch = _number(progress, "epoch")
    if epoch is None:
        return None
    batch, batches = _number(progress, "batch"), _number(progress, "batches")
    return epoch if batch == batches else max(epoch - 1, 0.0)


def _told_at(job: Job) -> float:
    """A program that hangs still beats: what it last said of itself counts, if it says when."""
    at = _number(job.progress, "at")
    return at or job.heartbeat_at or job.started_at or job.created_at


def _number(record: object, name: str) -> float | None:
    """A finite number out of what a program has told, which may be anything."""
    value = record.get(name) if isinstance(record, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"kerasd_training_{name}", text, labels=["model", *labels])
