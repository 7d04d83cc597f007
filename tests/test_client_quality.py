"""The client's calls for quality: what they send, add up and raise."""

import numpy as np
import orjson
import pytest

from service import client_quality
from service.base.errors import ServiceRefused
from service.client import Client, Feedback, Forgotten, RefusedLabel
from tests.scripted import Line, scripted

KEPT = {"model": "m", "rows": 2, "kept": 2, "outcomes": {"accepted": 2}, "refused": [],
        "refused_unlisted": 0}  # fmt: skip
PARTLY = {"model": "m", "rows": 2, "kept": 1, "outcomes": {"accepted": 1, "forged": 1},
          "refused": [{"row": 1, "reason": "forged", "text": "It was changed."}],
          "refused_unlisted": 0}  # fmt: skip


def test_labels_are_sent_in_parts_and_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_quality, "ROWS_AT_ONCE", 2)
    labels = [("a/0", "cat"), ("a/1", 1), ("b", np.int64(2)), ("c", [0, 1])]
    with scripted(Line(body=KEPT), Line(body=PARTLY)) as server, Client(server.url) as client:
        done = client.feedback("m n", iter(labels))
    refused = (RefusedLabel(3, "forged", "It was changed."),)
    assert done == Feedback(4, 3, {"accepted": 3, "forged": 1}, refused)
    assert [asked.path for asked in server.asked] == ["/v1/models/m%20n:feedback"] * 2
    assert orjson.loads(server.asked[1].body) == {
        "feedback": [{"prediction_id": "b", "label": 2}, {"prediction_id": "c", "label": [0, 1]}]
    }


def test_labels_are_sent_again_when_the_connection_breaks() -> None:
    with scripted(Line(drop=True), Line(body=KEPT)) as server, Client(server.url) as client:
        assert client.feedback("m", [("a", 1)]).kept == 2
    assert len(server.asked) == 2


def test_nothing_to_send_asks_nothing() -> None:
    with scripted(Line(body=KEPT)) as server, Client(server.url) as client:
        assert client.feedback("m", []) == Feedback(0, 0, {}, ())
        assert client.forget("m", []) == Forgotten(0, 0, {})
    assert server.asked == []


def test_predictions_are_forgotten_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_quality, "IDS_AT_ONCE", 2)
    refused = [{"prediction_id": "c", "reason": "forged", "text": "It was changed."}]
    lines = (
        Line(body={"forgotten": 2, "labelled_rows": 5, "refused": []}),
        Line(body={"forgotten": 0, "labelled_rows": 0, "refused": refused}),
    )
    with scripted(*lines) as server, Client(server.url) as client:
        assert client.forget("m", ["a", "b", "c"]) == Forgotten(2, 5, {"c": "It was changed."})
    assert orjson.loads(server.asked[1].body) == {"prediction_ids": ["c"]}


def test_quality_is_read_as_it_is_told() -> None:
    with scripted(Line(body={"versions": []})) as server, Client(server.url) as client:
        assert client.quality("m", "7d", min_support=20) == {"versions": []}
    assert server.asked[0].path == "/v1/models/m/quality?window=7d&min_support=20"


def test_a_refusal_has_its_status() -> None:
    line = Line(404, {"error": "Could not find any versions of model m"})
    with scripted(line) as server, Client(server.url) as client:
        with pytest.raises(ServiceRefused, match="Could not find") as refused:
            client.feedback("m", [("a", 1)])
        assert refused.value.status == 404
