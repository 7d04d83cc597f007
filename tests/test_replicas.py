"""Two replicas on one PostgreSQL behind nginx: one predicts, the other takes the labels.

Then the database is killed with all its processes in the middle of labels, and started again.
"""

import math
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import requests

from tests.labelling import Labelling
from tests.making import make
from tests.nginx import running_nginx
from tests.postgres import Postgres, running_postgres
from tests.running import RunningService, running, wait_until

pytestmark = pytest.mark.slow
MODEL = "screening"
QUALITY = f"/v1/models/{MODEL}/quality"
TOLD = ("kerasd_feedback_", "kerasd_quality_")
PEOPLE = ((1.0, "ill"), (1.0, "healthy"), (0.0, "ill"), (0.0, "healthy"))
BATCH = 100  # rows of one request, which are recorded
LABELS = 5  # rows of a request for feedback
KILLED = (30, 70, 110)  # so many are answered when the database is killed
ROWS = 800

Claims = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Site:
    """All that runs; `url` is nginx, which sends predictions to `one` and labels to `other`."""

    url: str
    one: RunningService
    other: RunningService
    database: Postgres
    models: Path

    @property
    def replicas(self) -> tuple[RunningService, RunningService]:
        return self.one, self.other


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("replicas")
    models = folder / "models"
    make("make_screening", models / MODEL / "1" / "model.h5")
    (models / MODEL / "model.yaml").write_text("task: binary\nlabels: [healthy, ill]\n")
    first, second = folder / "first", folder / "second"
    second.mkdir()
    (second / "compiled").symlink_to(first / "compiled")  # what replicas share beside the database
    with ExitStack() as stack:
        database = stack.enter_context(running_postgres())
        settings = {"database_url": database.empty()}
        stack.enter_context(running(models, first, half="controller", **settings))
        one = stack.enter_context(running(models, first, half="web", **settings))
        other = stack.enter_context(running(models, second, half="web", **settings))
        for replica in (one, other):
            replica.wait_ready()
        places = {
            ":predict$": [address(one)],
            ":feedback$": [address(other)],
            "^/": [address(one), address(other)],
        }
        yield Site(stack.enter_context(running_nginx(places)), one, other, database, models)


def address(service: RunningService) -> str:
    return f"127.0.0.1:{service.port}"


def predict(site: Site, values: list[float]) -> list[str]:
    """The ids of the rows."""
    body = {"instances": [[value] for value in values]}
    answer = requests.post(f"{site.url}/v1/models/{MODEL}:predict", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    receipt = answer.json()["prediction_id"]
    return [f"{receipt}/{row}" for row in range(len(values))]


def claims_of(site: Site, people: list[tuple[float, str]]) -> Claims:
    """Predictions for people, in requests of one row and of many; each id with the truth."""
    known: list[str] = []
    while len(known) < len(people):
        size = BATCH if len(known) % (2 * BATCH) == 0 else 1
        known += predict(site, [value for value, _ in people[len(known) : len(known) + size]])
    return [(id_, truth) for id_, (_, truth) in zip(known, people, strict=True)]


def told(service: RunningService) -> list[str]:
    """What a scrape tells of labels."""
    lines = service.get("/metrics").text.splitlines()
    return sorted(line for line in lines if line.startswith(TOLD))


def cells(service: RunningService) -> dict[tuple[str, str], float]:
    """Rows by true and predicted class."""
    found = {}
    for line in told(service):
        if line.startswith("kerasd_feedback_confusion_total"):
            labels = dict(
                part.split("=") for part in line[line.index("{") + 1 : line.index("}")].split(",")
            )
            key = labels["true_class"].strip('"'), labels["predicted_class"].strip('"')
            found[key] = float(line.rsplit(" ", 1)[1])
    return found


def counted(service: RunningService, name: str) -> float:
    lines = service.get("/metrics").text.splitlines()
    return math.fsum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def expected(people: list[tuple[float, str]]) -> Counter[tuple[str, str]]:
    return Counter((truth, "ill" if value else "healthy") for value, truth in people)


def test_predictions_on_one_and_labels_on_the_other_come_to_the_same_figures(site: Site) -> None:
    people = [*PEOPLE * 50]
    claims = claims_of(site, people)
    labelling = Labelling(site.url, MODEL)
    wait_until(lambda: "unknown_id" not in labelling.send(claims), "batches are recorded", 30)
    assert labelling.send(claims) == {"duplicate": len(claims)}

    def qualities() -> list[Any]:
        return [replica.get(f"{QUALITY}?window=1d").json()["versions"] for replica in site.replicas]

    wait_until(lambda: qualities()[0][0]["predicted"] == len(people), "all are counted", 30)
    one, other = qualities()
    assert one == other
    assert (one[0]["labelled"], one[0]["scores"]["accuracy"]) == (len(people), 0.5)
    assert [cells(replica) for replica in site.replicas] == [expected(people)] * 2
    wait_until(lambda: told(site.one) == told(site.other), "both tell the same windows", 30)
    asked = [counted(one, "kerasd_predict_requests_total") for one in site.replicas]
    assert asked[0] > 0 == asked[1]


def test_every_row_counts_once_though_the_database_is_killed_again_and_again(site: Site) -> None:
    draw = random.Random(11)
    people = [PEOPLE[draw.randrange(4)] for _ in range(ROWS)]
    claims = claims_of(site, people)
    before = cells(site.one)
    labelling = Labelling(site.url, MODEL)
    wait_until(lambda: "unknown_id" not in labelling.send(claims[:1]), "it is recorded", 30)
    is_over = Event()
    seen: Counter[str] = Counter()
    parts = [claims[at : at + LABELS] for at in range(0, len(claims), LABELS)]
    with ThreadPoolExecutor(6) as threads:
        predicted = threads.submit(go_on_predicting, site, is_over)
        sent = [threads.submit(labelling.send, part) for part in parts]
        try:
            for answered, one in enumerate(as_completed(sent), 1):
                seen.update(one.result())
                if answered in KILLED:
                    site.database.kill_all()
                    site.database.start()
        finally:
            is_over.set()

    assert predicted.result() > 0
    assert labelling.attempts > len(parts) + 1, "nothing went wrong at all"
    assert set(seen) <= {"accepted", "duplicate"}
    assert labelling.send(claims) == {"duplicate": len(claims)}
    after = [cells(replica) for replica in site.replicas]
    increase = {cell: rows - before.get(cell, 0) for cell, rows in after[0].items()}
    assert after[0] == after[1]
    assert increase == expected(people)


def test_a_promotion_by_one_is_followed_by_both_before_it_is_answered(site: Site) -> None:
    first = site.models / MODEL / "1"
    shutil.copytree(first, site.models / MODEL / ".aside")
    (site.models / MODEL / ".aside").rename(site.models / MODEL / "2")

    def answering() -> list[str]:
        body = {"instances": [[1.0]]}
        return [one.predict(MODEL, body).json()["model_version"] for one in site.replicas]

    wait_until(lambda: answering() == ["2", "2"], "both have taken up version 2", 120)
    for one, version in ((site.other, "1"), (site.one, "2")):
        url = f"{one.url}/v1/models/{MODEL}/versions/{version}:promote"
        answer = requests.post(url, json={}, timeout=60)
        assert (answer.status_code, answering()) == (200, [version, version])


def go_on_predicting(site: Site, is_over: Event) -> int:
    """Every single one is answered, with a receipt; how many there were."""
    answered = 0
    while not is_over.is_set():
        (id_,) = predict(site, [1.0])
        assert id_.startswith("r1-")
        answered += 1
    return answered
