"""Models that give several labels at once: answers, true labels, and what these come to."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.base.signature import Signature, TensorSpec
from service.repository.model_config import ModelConfig
from service.web.process import WebProcess
from tests.fakes import FakeVersion
from tests.web.client import Client, counted, working

SIGMOIDS = Signature(
    (TensorSpec("x", "float32", (None, 3)),),
    (TensorSpec("y", "float32", (None, 3), activation="sigmoid"),),
)
LABELS = ("rain", "snow", "wind")
NAMED = ModelConfig(task="multilabel", labels=LABELS, thresholds={"snow": 0.25})
ENDLESS = ModelConfig(task="multilabel", allow_non_finite=True)
ROWS = [[0.5, 0.25, 0.0], [0.25, 0.0, 0.0]]
INFER = {"inputs": [{"name": "x", "shape": [2, 3], "datatype": "FP32", "data": ROWS}]}


@pytest.fixture
def process(tmp_path: Path) -> Iterator[WebProcess]:
    fakes = {
        "sky": FakeVersion(SIGMOIDS),
        "plain": FakeVersion(SIGMOIDS),
        "endless": FakeVersion(SIGMOIDS, factor=float("inf")),
    }
    configs = {"sky": NAMED, "endless": ENDLESS}
    with working(tmp_path, fakes, configs) as process:
        process.quality.keys.refresh()
        yield process


def test_each_label_is_decided_by_itself(client: Client) -> None:
    answer = client.predict("sky", {"instances": ROWS})
    assert answer.json["predictions"] == ROWS
    assert answer.json["decisions"] == [
        {"class_indices": [0, 1], "labels": ["rain", "snow"], "scores": [0.5, 0.25]},
        {"class_indices": [], "labels": [], "scores": []},
    ]


def test_it_is_found_out_by_a_vector_of_sigmoids(client: Client) -> None:
    (both, none) = client.predict("plain", {"instances": ROWS}).json["decisions"]
    assert (both, none["class_indices"]) == ({"class_indices": [0], "scores": [0.5]}, [])


def test_scores_that_are_not_finite_are_written_as_outputs_are(client: Client) -> None:
    body = client.predict("endless", {"instances": [[1, 1, 0.5]]}).body
    (told,) = json.loads(body)["decisions"]
    assert told == {"class_indices": [0, 1, 2], "scores": [math.inf] * 3}


def test_classify_tells_every_label_with_its_score(client: Client) -> None:
    answer = client.post("/v1/models/sky:classify", {"examples": [{"x": ROWS[0]}]})
    assert answer.json["results"] == [[["rain", 0.5], ["snow", 0.25], ["wind", 0.0]]]


def test_version_2_has_them_as_outputs_of_their_own(client: Client) -> None:
    answer = client.infer("sky", INFER)
    outputs = {one["name"]: one for one in answer.json["outputs"]}
    assert outputs["chosen"] == {
        "name": "chosen", "datatype": "BOOL", "shape": [2, 3],
        "data": [True, True, False, False, False, False],
    }  # fmt: skip
    assert outputs["label"]["data"] == ["rain", "snow", "", "", "", ""]
    assert outputs["y"]["shape"] == [2, 3]
    told = client.ask("GET", "/v2/models/sky").json["outputs"]
    shapes = {one["name"]: (one["datatype"], one["shape"]) for one in told}
    assert shapes["chosen"] == ("BOOL", [-1, 3])
    assert shapes["label"] == ("BYTES", [-1, 3])


def test_true_labels_are_compared_label_by_label(client: Client, process: WebProcess) -> None:
    id_ = client.predict("sky", {"instances": ROWS}).json["prediction_id"]
    truths: list[Any] = [["rain", "wind"], []]
    body = {"feedback": [
        {"prediction_id": f"{id_}/{row}", "label": truth} for row, truth in enumerate(truths)
    ]}  # fmt: skip
    taken = client.post("/v1/models/sky:feedback", body)
    assert taken.json["outcomes"] == {"accepted": 2}

    (version,) = client.ask("GET", "/v1/models/sky/quality").json["versions"]

    assert version["kind"] == "sets"
    scores = version["scores"]
    assert (scores["rows"], scores["subset_accuracy"]) == (2, 0.5)
    assert [one["label"] for one in scores["classes"]] == list(LABELS)
    assert [one["recall"] for one in scores["classes"]] == [1.0, None, 0.0]
    metrics = client.ask("GET", "/metrics").body.decode()
    for name, label in (("true", "rain"), ("false", "snow")):
        series = f'kerasd_feedback_{name}_positives_total{{class="{label}",model="sky"'
        assert any(
            line.startswith(series) and line.endswith(" 1.0") for line in metrics.splitlines()
        )


def test_labels_that_are_said_are_counted(client: Client, process: WebProcess) -> None:
    names = {"model": "sky", "version": "2"}
    before = [counted("kerasd_predictions_total", **names, **{"class": one}) for one in LABELS]
    client.predict("sky", {"instances": [*ROWS, [0.75, 0.0, 0.75]]})
    for slot in process.pool.slots():
        slot.served.flush()
    after = [counted("kerasd_predictions_total", **names, **{"class": one}) for one in LABELS]
    assert [new - old for new, old in zip(after, before, strict=True)] == [2, 1, 1]
