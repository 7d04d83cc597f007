"""Instances with labels: predicted first, then scored, in one request."""

from pathlib import Path

import pytest

from service.web.process import WebProcess
from tests.web.client import FlaskClient
from tests.web.feedback.world import matrix, rows_of, taken, worker

PETS = "/v1/models/pets:feedback"


@pytest.mark.parametrize("times", [1, 100], ids=["inside-of-the-receipt", "recorded"])
def test_they_are_predicted_then_scored(
    client: FlaskClient, process: WebProcess, times: int
) -> None:
    body = {"instances": rows_of(0, 1, 2) * times, "labels": ["cat", "fish", 0] * times}
    answer = taken(client.post(PETS, body))
    assert answer["outcomes"] == {"accepted": 2 * times, "unknown_class": times}
    assert answer["refused"][0]["row"] == 1
    assert matrix(process) == [[times, 0, times], [0, 0, 0], [0, 0, 0]]


def test_an_instance_that_does_not_fit_is_told_as_for_a_prediction(client: FlaskClient) -> None:
    answer = client.post(PETS, {"instances": [[1, 2]], "labels": [0]})
    assert answer.status == 400
    assert "instances[0]: expected 3 elements, got 2" in answer.json["error"]


def test_the_request_s_own_id_names_no_prediction(client: FlaskClient, process: WebProcess) -> None:
    body = {"instances": rows_of(0), "labels": ["cat"]}
    for _ in range(2):
        taken(client.post(PETS, body, **{"X-Request-Id": "nightly"}))
    assert matrix(process)[0][0] == 2


def test_without_receipts_there_is_nothing_to_join(tmp_path: Path) -> None:
    with worker(tmp_path, receipts=False) as process:
        client = FlaskClient(process)
        answer = client.post(PETS, {"instances": rows_of(0), "labels": [0]})
        assert answer.status == 409
        assert "receipts" in answer.json["error"]
