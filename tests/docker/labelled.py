"""Two replicas whose models have labels, evaluations and retrains: what the dashboards tell of.

Labels come by HTTP. Evaluations and retrains are what their programs write into the tables of the
same database, without the hours that they would take.
"""

import hashlib
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import requests

from service.base.database import open_database
from service.jobs.job import Job, JobOrder, JobState, Kind
from service.jobs.store import JobStore
from service.quality.store_evaluations import EvaluationStore, StoredEvaluation
from service.repository.manifest import Provenance, write_manifest
from tests.conftest import ROOT
from tests.running import RunningService, running, wait_until

MODEL, PRICES = "breast-cancer", "prices"
VERSIONS = ((MODEL, 1), (MODEL, 2), (PRICES, 1))
CLASSES = ("benign", "malignant")
CONFIG = """
task: binary
labels: [benign, malignant]
version_policy: all
retrain: {schedule: "@daily", data: {file: cells.csv}}
"""
COUNTS = {"benign": 357, "malignant": 212}  # of the rows that it learned from
ROWS = 20  # of one request
SCORES: dict[str, Any] = {
    "classes": [
        {"label": name, "index": index, "precision": 0.9, "recall": 0.9, "f1": 0.9}
        for index, name in enumerate(CLASSES)
    ]
}
PROGRESS = {
    "epoch": 3, "epochs": 10, "batch": 4, "batches": 8, "learning_rate": 0.001,
    "metrics": {"loss": 0.3, "val_loss": 0.4},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Replicas:
    """Two that answer requests, on one database."""

    services: tuple[RunningService, ...]
    database_url: str
    repository: Path
    instances: list[list[float]]

    @property
    def urls(self) -> list[str]:
        return [service.url for service in self.services]

    def predict(self, model: str, version: int) -> tuple[list[str], list[Any]]:
        """Ids and answers of as many rows as one request has; asked of one replica."""
        rows = (self.instances * ROWS)[:ROWS]
        answer = self.services[0].predict(model, {"instances": rows}, version)
        assert answer.status_code == 200, answer.text
        record = answer.json()
        said = [one["label"] for one in record["decisions"]] if "decisions" in record else []
        ids = [f"{record['prediction_id']}/{row}" for row in range(ROWS)]
        return ids, said or record["predictions"]

    def label(self, model: str, rows: list[tuple[str, Any]]) -> dict[str, int]:
        """What became of labels; sent to the other replica."""
        body = {"feedback": [{"prediction_id": id_, "label": label} for id_, label in rows]}
        url = f"{self.services[1].url}/v1/models/{model}:feedback"
        answer = requests.post(url, json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        outcomes: dict[str, int] = answer.json()["outcomes"]
        return outcomes

    def evaluate(self) -> None:
        """Both versions have scores on validation data."""
        store = EvaluationStore(self._engine(), self._key)
        for version in (1, 2):
            metrics = {"accuracy": 0.9 + version / 100, "f1_macro": 0.88}
            about = (MODEL, version, "validation", "0" * 64, 85, f"job{version}", time.time())
            store.add(StoredEvaluation(*about, SCORES, metrics))

    def retrain(self) -> None:
        """One run has succeeded, one has failed, one is in its third epoch."""
        store = JobStore(self._engine(), self._key)
        for state in (JobState.PUBLISHED, JobState.FAILED):
            job = self._begin(store)
            store.finish(job.id, job.attempt, state, time.time(), {})
        self._begin(store)

    def _begin(self, store: JobStore) -> Job:
        now = time.time()
        store.submit(JobOrder(Kind.RETRAIN, MODEL, {}, "ann"), now - 5)
        job = store.claim(now - 4, 1)
        assert job is not None
        store.beat(job.id, job.attempt, now, {**PROGRESS, "at": now})
        return job

    def _engine(self) -> Any:
        return open_database(self.database_url)

    @property
    def _key(self) -> str:
        return str(self.repository.absolute())


@contextmanager
def replicas(folder: Path) -> Iterator[Replicas]:
    """Ready; the controller has compiled everything and is gone, so that it begins no job."""
    models = folder / "models"
    _furnish(models)
    first, second = folder / "first", folder / "second"
    second.mkdir()
    (second / "compiled").symlink_to(first / "compiled")
    settings = {"database_url": f"sqlite:///{first}/kerasd.sqlite", "workers": "1"}
    examples = orjson.loads((ROOT / "model_repo" / MODEL / "examples.json").read_bytes())
    with ExitStack() as stack:
        with running(models, first, half="controller", **settings):
            services = [
                stack.enter_context(running(models, state, half="web", **settings))
                for state in (first, second)
            ]
            for service in services:
                service.wait_ready()
                wait_until(partial(_has_all, service), "all versions are there")
        yield Replicas(tuple(services), settings["database_url"], models, examples["instances"])


def _has_all(service: RunningService) -> bool:
    """A service is ready with one version of each model."""
    asked = [service.get(f"/v1/models/{model}/versions/{version}") for model, version in VERSIONS]
    states = [answer.json()["model_version_status"][0]["state"] for answer in asked]
    return states == ["AVAILABLE"] * len(VERSIONS)


def _furnish(models: Path) -> None:
    """Two versions of a classifier with a manifest, and the same file as a model of numbers."""
    source = ROOT / "model_repo" / MODEL / "1" / "model.h5"
    digests = {source.name: hashlib.sha256(source.read_bytes()).hexdigest()}
    made = Provenance(training={"data": {"counts": {"train": COUNTS}}})
    for model, version in VERSIONS:
        place = models / model / str(version)
        place.mkdir(parents=True)
        shutil.copy(source, place)
        write_manifest(place, digests, made)
    (models / MODEL / "model.yaml").write_text(CONFIG)
    (models / PRICES / "model.yaml").write_text("task: regression\n")
