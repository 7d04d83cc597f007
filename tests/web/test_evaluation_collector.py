"""What a scrape tells of evaluations and of the rows that versions were trained with."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from service.quality.store_evaluations import StoredEvaluation
from service.repository.manifest import Provenance, write_manifest
from service.repository.states import State
from service.web.evaluation_collector import (
    MAX_DATASETS,
    Baselines,
    EvaluationCollector,
    read_evaluations,
)
from service.web.process import WebProcess
from tests.fakes import FakeVersion
from tests.web.client import FlaskClient, row, working

CLASSES = [
    {"index": 0, "label": "cat", "precision": 0.5, "recall": 0.25, "f1": None},
    {"index": 1, "label": "dog", "precision": 1.0, "recall": 1.0, "f1": 1.0},
]


def evaluation(version: int, at: float, accuracy: float, dataset: str = "test") -> StoredEvaluation:
    return StoredEvaluation(
        model="m", version=version, dataset=dataset, data_sha256="d" * 64, rows=10, job=f"j{at}",
        at=at, scores={"classes": CLASSES}, metrics={"accuracy": accuracy, "loss": 0.5},
    )  # fmt: skip


@pytest.fixture
def process(tmp_path: Path) -> Iterator[WebProcess]:
    with working(tmp_path, {"m": FakeVersion()}) as worker:
        yield worker


def publish(folder: Path, training: dict[str, object]) -> None:
    (folder / "m" / "2").mkdir(parents=True, exist_ok=True)
    write_manifest(folder / "m" / "2", {}, Provenance(training=training))


def test_the_latest_evaluation_of_each_dataset_is_told(process: WebProcess) -> None:
    for one in (
        evaluation(2, 1.0, 0.7), evaluation(2, 2.0, 0.9), evaluation(2, 1.0, 0.6, "validation"),
        evaluation(1, 1.0, 0.1),
    ):  # fmt: skip
        process.evaluations.add(one)
    found = read_evaluations(process.evaluations, [row("m")])
    registry = CollectorRegistry(auto_describe=False)
    registry.register(EvaluationCollector("s", found, {}))

    def score(name: str, **labels: str) -> float | None:
        of = {"store": "s", "model": "m", "version": "2", "dataset": "test", **labels}
        return registry.get_sample_value(f"kerasd_model_evaluation_{name}", of)

    assert score("score", metric="accuracy") == 0.9
    assert score("score", metric="accuracy", dataset="validation") == 0.6
    assert score("score", metric="accuracy", version="1") is None  # it is there no more
    assert score("class_score", metric="recall", **{"class": "cat"}) == 0.25
    assert score("class_score", metric="f1", **{"class": "cat"}) is None
    assert score("class_score", metric="f1", **{"class": "dog"}) == 1.0


def test_the_class_mix_is_that_of_the_rows_it_was_trained_with(tmp_path: Path) -> None:
    publish(tmp_path, {"data": {"counts": {"train": {"cat": 30, "dog": 10}, "test": {"cat": 1}}}})
    baselines = Baselines(tmp_path)
    assert baselines.of([row("m")]) == {("m", 2): {"cat": 0.75, "dog": 0.25}}
    publish(tmp_path, {})  # read once: what is published doesn't change
    assert baselines.of([row("m")]) == {("m", 2): {"cat": 0.75, "dog": 0.25}}
    assert baselines.of([row("m", State.RETIRED)]) == {}
    assert baselines.of([row("m")]) == {}


@pytest.mark.parametrize(
    "training",
    [{}, {"data": 3}, {"data": {"counts": {"train": {}}}}, {"data": {"counts": {"train": [1]}}}],
    ids=["none", "odd", "empty", "list"],
)
def test_a_manifest_that_does_not_tell_is_no_trouble(
    tmp_path: Path, training: dict[str, object]
) -> None:
    publish(tmp_path, training)
    assert Baselines(tmp_path).of([row("m")]) == {}
    assert Baselines(tmp_path / "nowhere").of([row("m")]) == {}


def test_a_scrape_has_them(process: WebProcess) -> None:
    process.quality.keys.refresh()
    process.evaluations.add(evaluation(2, 1.0, 0.75))
    publish(process.settings.repository, {"data": {"counts": {"train": {"cat": 1, "dog": 3}}}})
    text = FlaskClient(process).ask("GET", "/metrics").body.decode()
    assert 'kerasd_model_evaluation_score{dataset="test",metric="accuracy",model="m"' in text
    assert 'kerasd_model_class_baseline_ratio{class="dog",model="m"' in text


def test_names_that_clients_invent_make_few_series(process: WebProcess) -> None:
    process.evaluations.add(evaluation(2, 1.0, 0.5))
    for number in range(MAX_DATASETS + 5):
        process.evaluations.add(evaluation(2, 2.0 + number, 0.5, f"invented-{number}"))

    told = {one.dataset for one in read_evaluations(process.evaluations, [row("m")])}

    latest = {f"invented-{number}" for number in range(5, MAX_DATASETS + 5)}
    assert told == {"test", *latest}
