"""A small model that is retrained again and again, and what each job came to.

The same request each time: the same rows, the same version to begin with, the same seed. So each
job has to end with the same weights, whatever happened to it on the way.
"""

import hashlib
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import requests

from service.base.strict_json import Json
from tests.cells import LABELS, csv_of, portions
from tests.running import RunningService, wait_until

MODEL = "cells"
CONFIG = f"task: binary\nlabels: [{', '.join(LABELS)}]\nversion_policy: all\n"
EPOCHS = 12
JOB_S = 300.0
ENDED = ("GATED", "PUBLISHED", "SUCCEEDED", "FAILED", "CANCELLED")
PROGRAM = "service.training.run"
REQUEST = {
    "init": {"version": 1},
    "fit": {"epochs": EPOCHS, "batch_size": 4, "seed": 8},
    "callbacks": {
        "LearningRateScheduler": {"schedule": {"0": 0.004, "5": 0.001}},
        "ModelCheckpoint": {"filepath": "best.keras", "save_best_only": True},
    },
    "gate": {"min_gain": -1, "chance": False, "feedback": False, "max_latency_ratio": None},
    "promote": "auto",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is the same for two jobs that were asked the same, but for the version's number.

    `weights` is the sha256 of every array of the candidate, those of its optimizer included.
    """

    state: str
    is_promoted: bool
    weights: str
    epochs: tuple[str, ...]
    best_epoch: int


class Retrains:
    """The model's jobs, over HTTP."""

    def __init__(self, service: RunningService) -> None:
        self.service = service

    def send_rows(self) -> None:
        rows = portions()[1]
        place = f"/v1/models/{MODEL}/data?name=rows.csv"
        self._file = self._ask("POST", place, data=csv_of(rows.inputs, rows.labels))["file"]

    def ask(self, epochs: int = EPOCHS) -> str:
        """Have it retrained; the job's id."""
        request = {**REQUEST, "data": {"file": self._file}}
        request["fit"] = {**REQUEST["fit"], "epochs": epochs}  # type: ignore[dict-item]
        answer = self._ask("POST", f"/v1/models/{MODEL}:retrain", json=request)
        return str(answer["id"])

    def job(self, job: str) -> Json:
        return dict(self._ask("GET", f"/v1/jobs/{job}"))

    def events(self, job: str) -> list[Json]:
        return list(self._ask("GET", f"/v1/jobs/{job}/events?limit=1000")["events"])

    def is_ended(self, job: str) -> bool:
        """False also while nobody answers."""
        try:
            return self.job(job)["state"] in ENDED
        except (requests.ConnectionError, requests.Timeout):
            return False

    def wait_ended(self, job: str) -> Json:
        wait_until(lambda: self.is_ended(job), f"job {job} has ended", JOB_S)
        return self.job(job)

    def programs(self) -> list[int]:
        """The processes that run the job at this moment."""
        return self.service.pids(PROGRAM)

    def outcome(self, job: str) -> Outcome:
        record = self.job(job)
        assert record["state"] == "PUBLISHED", (record["error"], record["result"])
        figures = tuple(
            json.dumps([epoch["epoch"], epoch["learning_rate"], epoch["metrics"]], sort_keys=True)
            for epoch in record["epochs"]
        )
        result = record["result"]
        candidate = self.service.state_dir / "jobs" / job / "candidate" / "model.keras"
        return Outcome(
            record["state"], result["promoted"], digest(candidate), figures,
            result["epochs"]["best_epoch"],
        )  # fmt: skip

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        answer = requests.request(method, f"{self.service.url}{path}", timeout=60, **more)
        assert answer.status_code in (200, 201, 202), answer.text
        return answer.json()


def digest(model: Path) -> str:
    """Of every array in a .keras file, by its name."""
    found = hashlib.sha256()

    def look(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found.update(name.encode())
            found.update(np.asarray(item[()]).tobytes())

    with (
        zipfile.ZipFile(model) as archive,
        archive.open("model.weights.h5") as stream,
        h5py.File(stream) as opened,
    ):
        opened.visititems(look)
    return found.hexdigest()


def faults(events: Sequence[Json], epochs: int = EPOCHS) -> list[str]:
    """What the events of a job that has ended well must not tell: gaps, and two ends."""
    found = []
    if [event["id"] for event in events] != list(range(1, len(events) + 1)):
        found.append("the events have gaps")
    done = 0  # epochs that the next attempt may take as done: those that were told, at most
    last = 0
    for event in events:
        body = event["body"]
        if event["kind"] == "state" and body["state"] == "RUNNING":
            last = 0
        elif event["kind"] == "resumed":
            last = body["done"]
            if last > done:
                found.append(f"went on after epoch {last}, of which {done} were told")
        elif event["kind"] == "epoch":
            if body["epoch"] != last + 1:
                found.append(f"epoch {body['epoch']} after {last}")
            last = body["epoch"]
            done = max(done, last)
    if done != epochs:
        found.append(f"{done} epochs of {epochs}")
    ends = [event["id"] for event in events if event["body"].get("state") in ENDED]
    if ends != [len(events)]:
        found.append(f"ends at events {ends} of {len(events)}")
    versions = {event["body"]["version"] for event in events if event["kind"] == "published"}
    if len(versions) != 1:
        found.append(f"published as {sorted(versions)}")
    return found


def half_published(repository: Path, jobs: Sequence[str]) -> list[str]:
    """What lies in the model's folder and isn't a whole version, one for each job."""
    folder = repository / MODEL
    expected = {"model.yaml", *map(str, range(1, len(jobs) + 2))}
    found = [f"{name}" for name in {path.name for path in folder.iterdir()} ^ expected]
    keys = []
    for version in range(2, len(jobs) + 2):
        place = folder / str(version)
        manifest = json.loads((place / "manifest.json").read_bytes())
        keys.append(manifest["key"])
        for name, about in manifest["files"].items():
            if hashlib.sha256((place / name).read_bytes()).hexdigest() != about["sha256"]:
                found.append(f"{version}/{name}")
    return found if sorted(keys) == sorted(jobs) else [*found, f"versions of {keys}"]
