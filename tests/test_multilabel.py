"""A real vector of sigmoids through the whole service: labels that are said, labels that hold."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import requests
from sklearn.metrics import f1_score, hamming_loss, jaccard_score, precision_score, recall_score

from service.client import Client
from tests.making import make
from tests.running import RunningService, running

pytestmark = pytest.mark.slow
LABELS = ("rain", "snow", "wind")
CONFIG = "task: multilabel\nlabels: [rain, snow, wind]\nthresholds: {wind: 0.4}\n"
# Every set of labels that is said meets every one that is true.
SETS = list(itertools.product((0, 1), repeat=len(LABELS)))
PAIRS = list(itertools.product(SETS, SETS))
SAID = np.array([said for said, _ in PAIRS])
TRUE = np.array([true for _, true in PAIRS])


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("weather")
    make("make_weather", folder / "models/sky/1/model.keras")
    (folder / "models" / "sky" / "model.yaml").write_text(CONFIG)
    with running(folder / "models", folder / "state") as started:
        started.wait_ready()
        yield started


@pytest.fixture(scope="module")
def version(service: RunningService) -> Any:
    """The quality after all pairs were predicted and labelled, half of them by version 2."""
    with Client(service.url) as client:
        ids = []
        for rows in (SAID[:32].astype(np.float32), SAID[32:].astype(np.float32).tolist()):
            given = client.predict("sky", rows)
            assert [one.labels for one in given.choices] == [
                named(row) for row in np.asarray(rows, int)
            ]
            ids += [f"{given.prediction_id}/{row}" for row in range(len(rows))]
        done = client.feedback(
            "sky", [(id_, list(named(row))) for id_, row in zip(ids, TRUE, strict=True)]
        )
        assert done.outcomes == {"accepted": len(PAIRS)}
        (told,) = client.quality("sky", "1d")["versions"]
    return told


def named(row: np.ndarray) -> tuple[str, ...]:
    return tuple(label for label, is_on in zip(LABELS, row, strict=True) if is_on)


def test_each_threshold_is_the_labels_own(service: RunningService) -> None:
    answer = service.predict("sky", {"instances": [[0.45, 0.45, 0.45], [1, 0.5, 0]]})
    assert [one["labels"] for one in answer.json()["decisions"]] == [["wind"], ["rain", "snow"]]


def test_scores_are_those_of_scikit_learn(version: Any) -> None:
    scores = version["scores"]
    assert (version["kind"], version["labelled"]) == ("sets", len(PAIRS))
    assert scores["subset_accuracy"] == pytest.approx(np.mean((SAID == TRUE).all(axis=1)))
    assert scores["hamming_loss"] == pytest.approx(hamming_loss(TRUE, SAID))
    both = TRUE.any(axis=1) | SAID.any(axis=1)
    jaccard = jaccard_score(TRUE[both], SAID[both], average="samples")
    assert scores["jaccard"] == pytest.approx(jaccard)
    for average in ("macro", "micro"):
        found = scores[average]
        assert found["precision"] == pytest.approx(precision_score(TRUE, SAID, average=average))
        assert found["recall"] == pytest.approx(recall_score(TRUE, SAID, average=average))
        assert found["f1"] == pytest.approx(f1_score(TRUE, SAID, average=average))


@pytest.mark.usefixtures("version")
def test_metrics_tell_it_by_label(service: RunningService) -> None:
    told = service.get("/metrics").text.splitlines()
    for place, label in enumerate(LABELS):
        right = int((SAID[:, place] & TRUE[:, place]).sum())
        name = f'kerasd_feedback_true_positives_total{{class="{label}",model="sky"'
        (line,) = (line for line in told if line.startswith(name))
        assert float(line.rsplit(" ", 1)[1]) == right


@pytest.mark.usefixtures("version")
def test_a_correction_moves_single_labels(service: RunningService) -> None:
    url = f"{service.url}/v1/models/sky"
    id_ = service.predict("sky", {"instances": [[1, 0, 0]]}).json()["prediction_id"]
    before = scores_of(url)
    for truth in ([], [True, False, False]):
        body = {"feedback": [{"prediction_id": id_, "label": truth}]}
        answer = requests.post(f"{url}:feedback", json=body, timeout=60)
        assert answer.json()["kept"] == 1
    after = scores_of(url)
    assert after["rows"] == before["rows"] + 1
    assert after["classes"][0]["support"] == before["classes"][0]["support"] + 1
    for name in ("true_positives", "false_positives", "false_negatives"):
        others = [[one[name] for one in told["classes"][1:]] for told in (before, after)]
        assert others[0] == others[1]


def scores_of(url: str) -> Any:
    (version,) = requests.get(f"{url}/quality", timeout=60).json()["versions"]
    return version["scores"]
