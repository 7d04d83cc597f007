"""Feedback in Seldon's shape."""

from typing import Any

import pytest

from service.base.errors import KerasdError
from service.web.feedback.seldon import read_seldon
from service.web.process import WebProcess
from tests.web.client import FlaskClient
from tests.web.feedback.world import matrix, predicted, rows_of, taken

PATH = "/seldon/default/pets/api/v1.0/feedback"


def body(id_: str, data: Any, **tags: str) -> dict[str, Any]:
    return {
        "request": {"data": {"ndarray": [[1, 2, 3]]}},
        "response": {"meta": {"puid": id_, "tags": tags}, "data": {"ndarray": [[0.1, 0.9]]}},
        "truth": {"data": data},
        "reward": 1.0,
    }


@pytest.mark.parametrize(
    "data",
    [
        {"ndarray": ["dog", "owl"]},
        {"ndarray": [["dog"], ["owl"]]},
        {"ndarray": [[0, 1, 0], [0, 0, 1.0]]},
        {"tensor": {"shape": [2], "values": [1, 2]}},
        {"tensor": {"shape": [2, 1], "values": [1.0, 2.0]}},
        {"tensor": {"shape": [2, 3], "values": [0, 1, 0, 0, 0, 1]}, "names": ["a", "b", "c"]},
    ],
    ids=["flat", "column", "one-hot", "vector", "matrix", "one-hot-tensor"],
)
def test_a_truth_is_a_label_for_each_row(
    client: FlaskClient, process: WebProcess, data: Any
) -> None:
    id_ = predicted(client, rows_of(0, 2))
    answer = taken(client.post(PATH, body(id_, data)))
    assert answer["meta"] == {"puid": id_}
    assert answer["outcomes"] == {"accepted": 2}
    assert matrix(process) == [[0, 0, 0], [1, 0, 0], [0, 0, 1]]


def test_tags_say_what_the_path_does_not(client: FlaskClient) -> None:
    id_ = predicted(client, rows_of(0))
    truth = {"ndarray": [["cat"]]}
    given = body("seldon's own", truth, model="pets", prediction_id=id_)
    assert taken(client.post("/api/v1.0/feedback", given))["outcomes"] == {"accepted": 1}
    given = body(f"{id_}/0", truth, model="pets")
    assert taken(client.post("/api/v1.0/feedback", given))["outcomes"] == {"duplicate": 1}
    assert client.post("/api/v1.0/feedback", body(id_, truth, model="nope")).status == 404
    assert client.post("/api/v1.0/feedback", body(id_, truth, model="\0")).status == 404


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ({}, "the prediction_id"),
        ({"reward": 1.0, "response": {"meta": {"puid": "x"}}}, "a reward alone"),
        (body("", {"ndarray": [1]}), "the prediction_id"),
        (body("x", {"strData": "1"}), "data.ndarray, or data.tensor"),
        (body("x", {"tensor": {"shape": [2, 2], "values": [1]}}), "got 1 values"),
        (body("x", {"tensor": {"shape": [1, 1, 1], "values": [1]}}), "one or two sizes"),
        (body("x", {"tensor": {"shape": [], "values": []}}), "positive whole numbers"),
        (body("x", {"tensor": {"shape": [True], "values": [1]}}), "positive whole numbers"),
        ({**body("x", {"ndarray": [1]}), "feedback": []}, "unknown keys 'feedback'"),
    ],
)
def test_what_does_not_map_is_told(record: dict[str, Any], says: str) -> None:
    with pytest.raises(KerasdError, match=says):
        read_seldon(record, "pets", lambda _id: True)


def test_a_model_is_named_somewhere() -> None:
    with pytest.raises(KerasdError, match=r"in the path or in meta.tags.model"):
        read_seldon(body("x", {"ndarray": [1]}), "", lambda _id: True)


def test_a_row_of_numbers_stays_one_where_there_are_no_classes() -> None:
    given = read_seldon(body("x", {"ndarray": [[0, 1], [1, 1]]}), "m", lambda _id: False)
    assert [claim.label for claim in given.claims] == [[0, 1], [1, 1]]
    assert [claim.id for claim in given.claims] == ["x/0", "x/1"]
