"""What versions scored, over HTTP, and whether one is really better than another."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from service.quality.store_evaluations import StoredEvaluation
from service.web.process import WebProcess
from tests.fakes import FakeVersion
from tests.web.client import Client, FlaskClient, working

PATH = "/v1/models/m/evaluations"
ROWS = 200


def evaluation(version: int, right: int, sha256: str = "d" * 64) -> StoredEvaluation:
    correct = np.packbits(np.arange(ROWS) < right).tobytes()
    return StoredEvaluation(
        model="m", version=version, dataset="test", data_sha256=sha256, rows=ROWS, job="j",
        at=1_800_000_000.0, scores={"accuracy": right / ROWS},
        metrics={"accuracy": right / ROWS, "loss": 1 - right / ROWS},
        confusion=((1, 2), (3, 4)), correct=correct,
    )  # fmt: skip


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with working(tmp_path, {"m": FakeVersion()}) as process:
        fill(process)
        yield FlaskClient(process)


def fill(process: WebProcess) -> None:
    for one in (evaluation(1, 140), evaluation(2, 180), evaluation(3, 100, "e" * 64)):
        process.evaluations.add(one)


def test_evaluations_are_listed_newest_first(client: Client) -> None:
    told = client.ask("GET", PATH).json["evaluations"]
    assert [one["version"] for one in told] == [3, 2, 1]
    assert told[1]["metrics"] == {"accuracy": 0.9, "loss": pytest.approx(0.1)}
    assert told[1]["confusion"] == [[1, 2], [3, 4]]
    assert told[1]["at"] == "2027-01-15T08:00:00.000Z"
    only = client.ask("GET", f"{PATH}?version=2&dataset=test&limit=1").json["evaluations"]
    assert [one["version"] for one in only] == [2]
    assert client.ask("GET", f"{PATH}?dataset=other").json["evaluations"] == []


def test_two_versions_are_compared_on_the_same_rows(client: Client) -> None:
    told = client.ask("GET", f"{PATH}/compare?a=1&b=2").json
    assert (told["a"], told["b"], told["rows"]) == (1, 2, ROWS)
    assert told["metrics"]["accuracy"]["gain"] == pytest.approx(0.2)
    assert told["metrics"]["loss"]["gain"] == pytest.approx(0.2)  # less of it is better
    assert told["verdict"]["only_b_right"] == 40
    assert told["verdict"]["p"] < 0.001


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("a=1", 400, "b: expected"),
        ("a=1&b=1", 400, "another version than a"),
        ("a=1&b=2&dataset=x%20y", 400, "dataset: expected"),
        ("a=1&b=2&x=3", 400, "expected a, b, dataset"),
        ("a=1&b=3", 409, "never evaluated on the same rows"),
        ("a=1&b=2&dataset=january", 409, "never evaluated on the same rows"),
    ],
)
def test_what_cannot_be_compared_is_told(
    client: Client, query: str, status: int, words: str
) -> None:
    answer = client.ask("GET", f"{PATH}/compare?{query}")
    assert (answer.status, words in answer.json["error"]) == (status, True), answer.body


def test_a_model_that_is_not_there_has_none(client: Client) -> None:
    assert client.ask("GET", "/v1/models/nobody/evaluations").status == 404
    assert client.ask("GET", "/v1/models/nobody/evaluations/compare?a=1&b=2").status == 404
