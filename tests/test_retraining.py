"""The loop, once, over HTTP, with real rows: served, labelled, retrained, judged, promoted; then a
candidate that has learned nonsense is refused. A real Prometheus scrapes all the while.

A first version has learned from a fifth of the rows, of people of whom few are ill, and misses many
who are. Of the rest half is predicted and labelled before the retrain, half after it: no version is
ever asked what it has learned from.
"""

import math
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
import pytest
import requests

from service.base.strict_json import Json
from service.client_events import JobNews, read_events
from service.recipe.schedule import Step, rate_at
from tests.cells import LABELS, Portion, csv_of, portions
from tests.docker.live import PrivatePrometheus, scraping
from tests.labelling import Labelling
from tests.making import make
from tests.running import RunningService, free_port, running, wait_until

pytestmark = pytest.mark.slow

MODEL = "breast-cancer"
CONFIG = f"task: binary\nlabels: [{', '.join(LABELS)}]\ncapture: {{fraction: 1}}\n"
JOB_S = 240.0
ROWS = 20  # of one request
# Each rate is there for so long that scrapes, a second apart, meet it on most machines.
EPOCHS, EACH = 54, 18
SCHEDULE = Step(kind="step", initial_learning_rate=0.01, drop=0.5, epochs_drop=EACH)
FEEDBACK = {"from_feedback": {}, "split": {"by": "stratified", "held_out": 0.25}}
REQUEST = {
    "fit": {"epochs": EPOCHS, "batch_size": 1, "seed": 3},
    "callbacks": {
        "LearningRateScheduler": {"schedule": SCHEDULE.model_dump()},
        "ModelCheckpoint": {"filepath": "cp.ckpt", "save_best_only": True},
    },
    "gate": {"min_gain": 0.02, "min_class_recall": {"malignant": 0.8}, "max_latency_ratio": None},
    "promote": "auto",
}
ILL = f"model='{MODEL}', class='malignant'"


@dataclass(slots=True)
class Site:
    """The service, who looks at it, and what was learned of it on the way."""

    service: RunningService
    prometheus: PrivatePrometheus
    told: dict[str, Any] = field(default_factory=dict)

    def ask(self, method: str, path: str, **more: Any) -> Any:
        url = f"{self.service.url}{path}"
        answer = requests.request(method, url, timeout=120, **more)
        assert answer.status_code in (200, 201, 202), answer.text
        return answer.json()

    def predict_and_label(self, portion: Portion) -> set[str]:
        """Have each row predicted, then say what it really was; which versions have answered."""
        ids: list[str] = []
        versions = set()
        for at in range(0, len(portion), ROWS):
            some = portion.inputs[at : at + ROWS].tolist()
            answer = self.service.predict(MODEL, {"instances": some}).json()
            ids += [f"{answer['prediction_id']}/{row}" for row in range(len(some))]
            versions.add(answer["model_version"])
        sent = Labelling(self.service.url, MODEL).send(list(zip(ids, portion.labels, strict=True)))
        assert sent == {"accepted": len(portion)}
        return versions

    def retrain(self, data: Json, **more: Any) -> Json:
        asked = {**REQUEST, "data": data, **more}
        return dict(self.ask("POST", f"/v1/models/{MODEL}:retrain", json=asked))

    def watch(self, job: str) -> list[JobNews]:
        """All that its stream of events has, until its end."""
        url = f"{self.service.url}/v1/jobs/{job}/events"
        headers = {"Accept": "text/event-stream"}
        with requests.get(url, headers=headers, stream=True, timeout=JOB_S) as answer:
            assert answer.headers["Content-Type"].startswith("text/event-stream")
            return list(read_events(answer.iter_lines(chunk_size=1)))

    def recall(self, version: int) -> float:
        """Of the ill, as Prometheus counts them for one version; NaN before there is one."""
        of = f"{{{ILL}, version='{version}'}}"
        hits = f"max(kerasd_feedback_true_positives_total{of})"
        return self.number(f"{hits} / ({hits} + max(kerasd_feedback_false_negatives_total{of}))")

    def number(self, expression: str) -> float:
        """NaN as long as there is none."""
        found = self.prometheus.query(expression)
        return float(found[0]["value"][1]) if found else math.nan

    def audit(self) -> list[Json]:
        """Newest first."""
        return list(self.ask("GET", f"/v1/audit?model={MODEL}")["changes"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("retraining")
    models = folder / "models"
    make("make_cells", models / MODEL / "1" / "model.h5")
    (models / MODEL / "model.yaml").write_text(CONFIG)
    with running(models, folder / "state") as service:
        service.wait_ready()
        with scraping([service.url]) as prometheus:
            yield Site(service, prometheus)


@pytest.fixture(scope="module")
def learned(site: Site) -> Site:
    """After one turn: predictions, labels, a retrain that is watched, predictions, labels."""
    _, before, after = portions()
    site.told["versions before"] = site.predict_and_label(before)
    kept = f"kerasd_captured_rows_total{{model='{MODEL}', outcome='kept'}}"
    wait_until(lambda: site.number(f"sum({kept})") == len(before), "all inputs are kept", 60)
    site.told["order"] = site.retrain(FEEDBACK)
    site.told["news"] = site.watch(site.told["order"]["id"])
    site.told["job"] = site.ask("GET", f"/v1/jobs/{site.told['order']['id']}")
    site.told["versions after"] = site.predict_and_label(after)
    wait_until(lambda: site.number(_rows(2)) == len(after), "its labels are scraped", 60)
    return site


def _rows(version: int) -> str:
    return f"max(kerasd_feedback_rows_total{{model='{MODEL}', version='{version}'}})"


def rates() -> list[float]:
    """The learning rate of each epoch, as it was declared."""
    return [rate_at(SCHEDULE, epoch, 1.0, EPOCHS) for epoch in range(EPOCHS)]


def test_it_learns_from_every_labelled_prediction(learned: Site) -> None:
    assert learned.told["versions before"] == {"1"}
    assert learned.told["order"]["data"]["rows"] == len(portions()[1])
    assert learned.told["job"]["result"]["data"]["rows"] == len(portions()[1])


def test_the_stream_tells_all_of_it(learned: Site) -> None:
    news: list[JobNews] = learned.told["news"]
    numbered = [one for one in news if one.id is not None]
    assert [one.id for one in numbered] == list(range(1, len(numbered) + 1))
    epochs = [one.data["body"]["epoch"] for one in numbered if one.name == "epoch"]
    assert epochs == list(range(1, EPOCHS + 1))
    states = [one.data["body"]["state"] for one in numbered if one.name == "state"]
    assert states == ["QUEUED", "RUNNING", "EVALUATING", "PUBLISHED"]
    assert [one.name for one in news].count("end") == 1
    assert news[-1].name == "end"


def test_the_candidate_passes_the_gate_and_answers(learned: Site) -> None:
    result = learned.told["job"]["result"]
    assert result["gate"]["passed"], result["gate"]
    assert (result["version"], result["parent"], result["promoted"]) == (2, 1, True)
    assert learned.told["versions after"] == {"2"}


def test_live_recall_rises_on_prometheus(learned: Site) -> None:
    before, after = learned.recall(1), learned.recall(2)
    assert before < 0.7
    assert after > before + 0.2
    gauge = f"max(kerasd_quality_class_ratio{{{ILL}, metric='recall', window='1h', version='2'}})"
    wait_until(lambda: math.isclose(learned.number(gauge), after, abs_tol=5e-5), "its gauge", 30)
    runs = f"max(kerasd_training_runs_total{{model='{MODEL}', outcome='succeeded', trigger='api'}})"
    assert learned.number(runs) == 1


def test_the_audit_and_the_lineage_show_it(learned: Site) -> None:
    job = learned.told["job"]
    entries = {entry["action"]: entry for entry in reversed(learned.audit())}
    assert entries["retrain"]["after"] == {"job": job["id"]}
    assert entries["train"]["who"] == entries["promote"]["who"] == f"job {job['id']}"
    assert entries["train"]["after"]["version"] == 2
    assert (entries["promote"]["before"]["current"], entries["promote"]["after"]["current"]) == (
        1, 2,
    )  # fmt: skip
    made = learned.ask("GET", f"/v1/models/{MODEL}/diff?from=1&to=2")["to"]["lineage"]
    training = made["training"]
    assert (made["parent"], made["by"]) == (1, f"job {job['id']}")
    assert training["job"] == job["id"]
    assert training["data"]["rows"] == len(portions()[1])
    assert training["data"]["sha256"] == job["result"]["data"]["sha256"]
    assert training["fit"]["seed"] == 3
    assert training["callbacks"]["LearningRateScheduler"]["schedule"]["kind"] == "step"
    assert {"keras", "tensorflow-cpu"} <= set(training["libraries"])


def test_every_epoch_ran_at_its_rate(learned: Site) -> None:
    """In the job, in what Prometheus has seen of it, in TensorBoard's files by its own reader."""
    job, expected = learned.told["job"], rates()
    told = [epoch["learning_rate"] for epoch in job["epochs"]]
    np.testing.assert_allclose(told, expected, rtol=1e-6)
    (series,) = learned.prometheus.query(f"kerasd_training_learning_rate{{model='{MODEL}'}}[1h]")
    seen = [rate for rate, _ in groupby(float(value) for _, value in series["values"])]
    steps = np.array(expected[::EACH])
    places = [int(np.abs(steps - rate).argmin()) for rate in seen]
    np.testing.assert_allclose(seen, steps[places], rtol=1e-6)
    assert places  # of a fast machine a scrape may miss some
    assert places == sorted(set(places))
    runs, scalars = tensorboard(learned, job["id"])
    assert runs == [f"{job['id']}/logs/train", f"{job['id']}/logs/validation"]
    assert [step for _, step, _ in scalars] == list(range(EPOCHS))
    np.testing.assert_allclose([value for _, _, value in scalars], expected, rtol=1e-6)


def tensorboard(site: Site, job: str) -> tuple[list[str], list[list[float]]]:
    """Its runs, and the learning rate of one as time, step and value: `kerasd tensorboard`."""
    port, state = free_port(), site.service.state_dir
    arguments = ["tensorboard", "--state-dir", str(state), "--port", str(port)]
    url = f"http://127.0.0.1:{port}/data"
    rate = f"{url}/plugin/scalars/scalars?run={job}/logs/train&tag=epoch_learning_rate"
    with (state.parent / "tensorboard.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "service.cli.main", *arguments], stdout=log, stderr=log
        )
    try:
        wait_until(lambda: len(_json(f"{url}/runs")) == 2, "its runs are there", 120)
        wait_until(lambda: len(_json(rate)) == EPOCHS, "its epochs are there", 60)
        return sorted(_json(f"{url}/runs")), _json(rate)
    finally:
        process.terminate()
        process.wait(30)


def _json(url: str) -> list[Any]:
    """Nothing while it starts, and for what isn't read yet."""
    try:
        answer = requests.get(url, timeout=10)
    except (requests.ConnectionError, requests.Timeout):
        return []
    return list(answer.json()) if answer.status_code == 200 else []


def test_a_candidate_of_shuffled_labels_is_refused(learned: Site) -> None:
    """The same rows, each with the label of another: the gate says why, and nothing changes."""
    _, rows, _ = portions()
    labels = np.random.default_rng(11).permutation(rows.labels).tolist()
    audited = len(learned.audit())
    place = f"/v1/models/{MODEL}/data?name=shuffled.csv"
    file = learned.ask("POST", place, data=csv_of(rows.inputs, labels))["file"]

    data = {"file": file, "split": {"by": "stratified", "held_out": 0.25}}
    job = learned.retrain(data, fit={"epochs": 6, "batch_size": 4})
    news = learned.watch(job["id"])

    ended = learned.ask("GET", f"/v1/jobs/{job['id']}")
    assert ended["state"] == "GATED", ended["error"]
    gate = ended["result"]["gate"]
    failed = {reason["rule"] for reason in gate["reasons"] if reason["passed"] is False}
    assert not gate["passed"]
    assert {"chance", "feedback"} <= failed, gate["reasons"]
    (verdict,) = [one for one in news if one.name == "verdict"]
    assert verdict.data["body"]["reasons"] == gate["reasons"]
    answer = learned.service.predict(MODEL, {"instances": rows.inputs[:1].tolist()}).json()
    assert answer["model_version"] == "2"
    assert [version for _, version in learned.service.states()] == [1, 2]
    new = learned.audit()[: len(learned.audit()) - audited]
    assert [entry["action"] for entry in new] == ["retrain", "upload-data"]
    runs = f"max(kerasd_training_runs_total{{model='{MODEL}', outcome='not_promoted'}})"
    wait_until(lambda: learned.number(runs) == 1, "it is counted as not promoted", 30)
