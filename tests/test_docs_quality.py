"""Feedback against a real service: `docs/quality.md` done in its order, and labels in hundreds."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests

from service.client import Client
from tests.conftest import ROOT
from tests.documented import blocks_of, run
from tests.running import RunningService, running

pytestmark = pytest.mark.slow

ROWS = 200


@pytest.fixture(scope="module")
def folder(sample_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the page's commands find what they name."""
    made = tmp_path_factory.mktemp("quality")
    shutil.copytree(sample_repository, made / "model_repo")
    (made / ".venv").symlink_to(ROOT / ".venv")
    return made


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[RunningService]:
    with running(folder / "model_repo", folder / "state") as started:
        started.wait_ready()
        yield started


def test_every_command_does_what_the_page_says(service: RunningService, folder: Path) -> None:
    printed = [run(service, folder, line) for line in blocks_of("quality.md").splitlines()]
    told = "\n".join(printed)
    assert '"outcomes":{"accepted":1}' in told
    assert '"labelled":1' in told
    assert "1 of 1 rows kept: 1 duplicate" in told
    assert "nothing of 1 predictions is kept now, 1 labelled rows deleted" in told


def test_two_hundred_predictions_are_labelled_corrected_and_forgotten(
    service: RunningService, sample_repository: Path
) -> None:
    examples = orjson.loads((sample_repository / "digits" / "examples.json").read_bytes())
    rows = (examples["instances"] * ROWS)[:ROWS]
    url = f"{service.url}/v1/models/digits"
    answers = [
        requests.post(f"{url}:predict", json={"instances": [row]}, timeout=30) for row in rows
    ]
    ids = [answer.headers["X-Prediction-Id"] for answer in answers]
    said = [answer.json()["decisions"][0]["class_index"] for answer in answers]
    wrong = [(index + 1) % 10 for index in said[:20]]
    assert len(set(ids)) == ROWS

    assert send(url, ids, said)["outcomes"] == {"accepted": ROWS}
    assert send(url, ids, said)["outcomes"] == {"duplicate": ROWS}
    assert scores(url)["accuracy"] == 1.0
    assert send(url, ids[:20], wrong)["outcomes"] == {"corrected": 20}
    assert (scores(url)["rows"], scores(url)["accuracy"]) == (ROWS, 0.9)

    with Client(service.url) as client:
        done = client.forget("digits", ids[:50])
        assert (done.forgotten, done.labelled_rows) == (50, 50)
        assert client.feedback("digits", [(ids[0], 0)]).outcomes == {"unknown_id": 1}
        batch = client.predict("digits", rows)
        pairs = [(f"{batch.prediction_id}/{row}", index) for row, index in enumerate(said)]
        pause_until_recorded(client, pairs[:1])
        assert client.feedback("digits", pairs).kept == ROWS
    assert (scores(url)["rows"], scores(url)["accuracy"]) == (ROWS + 150, 1.0)
    outcomes = requests.get(f"{url}/quality", timeout=30).json()["outcomes"]
    assert outcomes["corrected"] == 20


def pause_until_recorded(client: Client, pair: list[tuple[str, int]]) -> None:
    """Batches are written down some moments after their answer."""
    for _ in range(100):
        if client.feedback("digits", pair).kept:
            return
    raise AssertionError("never recorded")


def send(url: str, ids: list[str], labels: list[int]) -> Any:
    lines = [f"{id_},{label}" for id_, label in zip(ids, labels, strict=True)]
    body = "\r\n".join(["prediction_id,label", *lines])
    headers = {"Content-Type": "text/csv"}
    answer = requests.post(f"{url}:feedback", data=body, headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def scores(url: str) -> Any:
    (version,) = requests.get(f"{url}/quality?window=1h", timeout=30).json()["versions"]
    return version["scores"]
