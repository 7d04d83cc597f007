"""A retrain from CSV to a served version, killed on its way, and one that the gate refuses."""

import json
from pathlib import Path
from typing import Any

import pytest

from service.jobs.job import JobState, Kind
from service.repository.manifest import read_provenance
from service.repository.policy import current_of, settle
from service.training.evaluate import evaluate
from service.training.retrain import retrain
from tests.training.retraining import MODEL, Killed, Shop, open_shop

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras' own
]

REQUEST: dict[str, Any] = {
    "data": {"file": "cells.csv"},
    "fit": {"epochs": 2, "seed": 5},
    "compile": {"learning_rate": 0.01},
    "gate": {"max_latency_ratio": 50, "metric": "macro_f1"},
    "promote": "auto",
    "description": "more rows",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return open_shop(tmp_path_factory.mktemp("shop"))


def current(shop: Shop) -> int | None:
    rows = shop.place.versions.rows(MODEL)
    return current_of(settle(rows, {MODEL: shop.place.versions.route(MODEL)}))


def versions(shop: Shop) -> list[int]:
    return sorted(
        int(path.name) for path in (shop.settings.repository / MODEL).iterdir() if path.is_dir()
    )


class TestRetrain:
    """The tests follow each other: the second begins with what the first has published."""

    def test_a_better_candidate_is_published_once_and_promoted(self, shop: Shop) -> None:
        job = shop.submit(**REQUEST)
        folder = shop.settings.jobs_dir / job.id

        def die(_: float) -> None:
            raise Killed

        with pytest.raises(Killed):  # it is published, and waits to be READY
            shop.run(job, lambda attempt, place: retrain(attempt, place, die))
        assert versions(shop) == [1, 2]
        for _ in range(3):  # latest: 1 would have the new one
            shop.controller.step(1e6)
        assert current(shop) == 1
        trained = (folder / "trained.json").stat().st_mtime_ns
        verdict = (folder / "verdict.json").read_bytes()

        with shop.controlled():
            ended = shop.run(shop.lose(job), retrain)

        assert ended.state is JobState.PUBLISHED
        assert ended.result["version"] == 2
        assert ended.result["promoted"] is True
        assert versions(shop) == [1, 2]
        assert (folder / "trained.json").stat().st_mtime_ns == trained
        assert (folder / "verdict.json").read_bytes() == verdict
        assert current(shop) == 2
        rules = {one["rule"]: one for one in ended.result["gate"]["reasons"]}
        assert rules["gain"]["figures"]["gain"] > 0
        assert rules["feedback"]["passed"] is None  # nobody has told a label yet
        self.check_version(shop, job.id)
        self.check_audit(shop, job.id)
        self.check_scores(shop, job.id)

    def check_version(self, shop: Shop, job: str) -> None:
        home = shop.settings.repository / MODEL / "2"
        assert sorted(path.name for path in home.iterdir()) == [
            "manifest.json", "model.h5", "model.keras",
        ]  # fmt: skip
        about = read_provenance(home)
        assert (about.parent, about.key, about.uploaded_by) == (1, job, f"job {job}")
        training = about.training
        assert training["job"] == job
        assert training["data"]["rows"] == 569
        assert training["fit"]["seed"] == 5
        assert training["epochs"]["epochs_run"] == 2
        assert training["libraries"]["keras"]
        assert training["gate"]["passed"] is True
        scores = {(one["version"], one["dataset"]): one for one in training["scores"]}
        assert set(scores) == {("candidate", "test"), (1, "test"), ("candidate", "validation")}
        assert sum(map(sum, scores["candidate", "test"]["confusion"])) > 50

    def check_audit(self, shop: Shop, job: str) -> None:
        entries = [entry for entry in shop.place.versions.audit(MODEL) if entry.who == f"job {job}"]
        assert {entry.action for entry in entries} == {"train", "promote"}
        assert "macro_f1" in entries[0].why

    def check_scores(self, shop: Shop, job: str) -> None:
        found = shop.place.evaluations.find(MODEL)
        assert {(one.version, one.dataset, one.job) for one in found} == {
            (2, "test", job), (1, "test", job), (2, "validation", job),
        }  # fmt: skip
        pair = shop.place.evaluations.on_same_data(MODEL, 1, 2, "test")
        assert pair is not None
        assert pair[1].metrics["macro_f1"] > pair[0].metrics["macro_f1"]

    def test_a_candidate_of_shuffled_labels_is_refused_with_the_reason(self, shop: Shop) -> None:
        data = {"file": "shuffled.csv", "held_out_file": "cells.csv"}
        job = shop.submit(**{**REQUEST, "data": data, "init": {"from": "architecture"}})

        ended = shop.run(job, retrain)

        assert ended.state is JobState.GATED
        assert ended.result["version"] is None
        assert "macro_f1 is" in ended.result["gate"]["summary"]
        assert versions(shop) == [1, 2]
        assert current(shop) == 2
        report = json.loads((shop.settings.jobs_dir / job.id / "report.json").read_text())
        assert report["gate"]["passed"] is False
        candidate = shop.settings.jobs_dir / job.id / "candidate"
        assert sorted(path.name for path in candidate.iterdir()) == ["model.h5", "model.keras"]

    def test_a_manual_one_waits_beside_the_champion(self, shop: Shop) -> None:
        gate = {"min_gain": -1, "max_latency_ratio": 50}
        job = shop.submit(**{**REQUEST, "promote": "manual", "gate": gate})

        with shop.controlled():
            ended = shop.run(job, retrain)
        for _ in range(3):
            shop.controller.step(1e6)

        assert (ended.state, ended.result["version"]) == (JobState.PUBLISHED, 3)
        assert ended.result["promoted"] is False
        assert current(shop) == 2
        assert shop.place.versions.route(MODEL).is_pinned

    def test_versions_are_evaluated_on_rows_with_labels(self, shop: Shop, tmp_path: Path) -> None:
        job = shop.submit(Kind.EVALUATE, data={"file": "cells.csv"}, versions=[1, 2])

        ended = shop.run(job, evaluate)

        assert ended.state is JobState.SUCCEEDED
        scores = ended.result["scores"]
        assert [one["version"] for one in scores] == [1, 2]
        assert scores[0]["rows"] == 569
        assert scores[1]["metrics"]["accuracy"] > 0.9
        assert "loss" in scores[1]["metrics"]
        comparison = ended.result["comparisons"][0]
        assert comparison["verdict"]["finding"] == "better"
        found = shop.place.evaluations.find(MODEL, 2, "test", limit=1)[0]
        assert (found.job, found.rows) == (job.id, 569)
        progress = shop.jobs.get(job.id).progress
        assert progress["evaluating"]["done"] == 569
