"""A model that misses seven of nine ill people and is right in 99 of 100: what Prometheus tells.

Labels go in through the real routes while workers are killed and everything is started anew; the
client sends again what it has no answer for. A real Prometheus scrapes all the while.
"""

import math
import os
import random
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from itertools import cycle
from pathlib import Path

import pytest

from tests.docker.live import PrivatePrometheus, scraping
from tests.labelling import Labelling
from tests.making import make
from tests.running import RunningService, wait_until

pytestmark = pytest.mark.slow
MODEL = "screening"
# Truth, input, rows; what is predicted follows the input.
PEOPLE = (("ill", 1.0, 2), ("healthy", 1.0, 3), ("ill", 0.0, 7), ("healthy", 0.0, 988))
SIZES = (1, 20, 5, 100)  # rows of the requests for predictions; of the largest they are recorded
LABELS = 5  # rows of a request for feedback
KILLED = (40, 80, 120)  # so many are answered when a worker is killed
RESTARTED = 160  # and when everything is ended
EXPECTED = {
    "accuracy": 0.99,
    "precision": 0.4,
    "recall": 0.2222,
    "f1": 0.2857,
    "balanced_accuracy": 0.6096,
    "mcc": 0.2935,
    "no_information_rate": 0.991,
}
OF = f'model="{MODEL}"'
TP = f"max(kerasd_feedback_true_positives_total{{{OF}, class='ill'}})"
FP = f"max(kerasd_feedback_false_positives_total{{{OF}, class='ill'}})"
FN = f"max(kerasd_feedback_false_negatives_total{{{OF}, class='ill'}})"
ROWS = f"max(kerasd_feedback_rows_total{{{OF}}})"
TN = f"({ROWS} - {TP} - {FP} - {FN})"
RECORDED = [
    f"max(job_store_model_version{by}:kerasd_feedback_{name}:max{{{OF}}})"
    for by, name in (
        ("", "rows"),
        ("_class", "true_positives"),
        ("_class", "false_positives"),
        ("_class", "false_negatives"),
    )
]
FOUND = f"max by (class) (kerasd_feedback_true_positives_total{{{OF}}})"
SUPPORT = f"({FOUND} + max by (class) (kerasd_feedback_false_negatives_total{{{OF}}}))"
FROM_COUNTERS = {
    "accuracy": f"sum({FOUND}) / {ROWS}",
    "precision": f"{TP} / ({TP} + {FP})",
    "recall": f"{TP} / ({TP} + {FN})",
    "f1": f"2 * {TP} / (2 * {TP} + {FP} + {FN})",
    "balanced_accuracy": f"avg({FOUND} / {SUPPORT})",
    "mcc": f"({TP} * {TN} - {FP} * {FN}) / sqrt(({TP} + {FP}) * ({TP} + {FN})) "
    f"/ sqrt(({TN} + {FP}) * ({TN} + {FN}))",
    "no_information_rate": f"max({SUPPORT}) / {ROWS}",
}


def gauge(metric: str, window: str) -> str:
    by_class = metric in ("precision", "recall", "f1")
    name, more = (
        ("quality_class_ratio", "class='ill'") if by_class else ("quality_ratio", "average=''")
    )
    return f"max(kerasd_{name}{{{OF}, metric='{metric}', {more}, window='{window}'}})"


class Home:
    """A service that can be killed in part and started anew on the same port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.service = RunningService(folder / "models", folder / "state", workers="4")

    def kill_a_worker(self, draw: random.Random) -> None:
        os.kill(draw.choice(self.service.workers()), signal.SIGKILL)

    def restart(self) -> None:
        old = self.service
        old.stop()
        self.service = RunningService(
            self._folder / "models", self._folder / "state", workers="4", port=str(old.port)
        )
        self.service.port, self.service.url = old.port, old.url
        self.service.wait_ready()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("quality")
    make("make_screening", folder / "models" / MODEL / "1" / "model.h5")
    config = folder / "models" / MODEL / "model.yaml"
    config.write_text("task: binary\nlabels: [healthy, ill]\n")
    home = Home(folder)
    try:
        home.service.wait_ready()
        yield home
    finally:
        home.service.stop()


@pytest.fixture(scope="module")
def server(home: Home) -> Iterator[PrivatePrometheus]:
    """After all that happens: see `label_all`."""
    draw = random.Random(7)
    with scraping([home.service.url]) as server:
        rows = predict_all(home.service, draw)
        for beginning in (ROWS, *RECORDED):
            wait_until(partial(_is_at_0, server, beginning), f"{beginning} is seen at 0", 60)
        label_all(home, rows, draw)
        wait_until(lambda: _number(server, ROWS) == len(rows), "labels are scraped", 60)
        yield server


def predict_all(service: RunningService, draw: random.Random) -> list[tuple[str, str]]:
    """Predict for all people; the id of each row, and the truth."""
    people = [(truth, value) for truth, value, rows in PEOPLE for _ in range(rows)]
    draw.shuffle(people)
    known: list[tuple[str, str]] = []
    for size in cycle(SIZES):
        some = people[len(known) : len(known) + size]
        answer = service.predict(MODEL, {"instances": [[value] for _, value in some]})
        assert answer.status_code == 200
        receipt = answer.json()["prediction_id"]
        known += [(f"{receipt}/{row}", truth) for row, (truth, _) in enumerate(some)]
        if len(known) == len(people):
            break
    assert len(people) == 1000
    return known


def label_all(home: Home, rows: list[tuple[str, str]], draw: random.Random) -> None:
    """Label all of it; meanwhile three workers are killed, and everything is ended and started.

    Then all labels are sent once more: nothing changes.
    """
    requests_of = [rows[at : at + LABELS] for at in range(0, len(rows), LABELS)]
    labelling = Labelling(home.service.url, MODEL)
    seen: Counter[str] = Counter()
    with ThreadPoolExecutor(4) as senders:
        sent = [senders.submit(labelling.send, some) for some in requests_of]
        for answered, one in enumerate(as_completed(sent), 1):
            seen.update(one.result())
            if answered in KILLED:
                home.kill_a_worker(draw)
            if answered == RESTARTED:
                home.restart()
    assert labelling.attempts > len(requests_of), "nothing went wrong at all"
    assert set(seen) <= {"accepted", "duplicate"}
    assert seen.total() == len(rows)
    assert labelling.send(rows) == {"duplicate": len(rows)}


@pytest.mark.parametrize("metric", EXPECTED)
def test_counters_tell_it_by_promql(server: PrivatePrometheus, metric: str) -> None:
    told = server.value(FROM_COUNTERS[metric])
    assert math.isclose(told, EXPECTED[metric], abs_tol=5e-5)


@pytest.mark.parametrize("window", ["1h", "1d", "7d", "all"])
@pytest.mark.parametrize("metric", EXPECTED)
def test_gauges_tell_it(server: PrivatePrometheus, metric: str, window: str) -> None:
    wait_until(
        lambda: math.isclose(
            _number(server, gauge(metric, window)), EXPECTED[metric], abs_tol=5e-5
        ),
        f"{metric} of {window}",
        30,
    )


def test_each_acknowledged_row_is_counted_once(server: PrivatePrometheus) -> None:
    cells = server.query(
        f"max by (true_class, predicted_class) (kerasd_feedback_confusion_total{{{OF}}})"
    )
    told = {
        (one["metric"]["true_class"], one["metric"]["predicted_class"]): float(one["value"][1])
        for one in cells
    }
    assert told == {
        ("ill", "ill"): 2,
        ("healthy", "ill"): 3,
        ("ill", "healthy"): 7,
        ("healthy", "healthy"): 988,
    }
    assert server.value(f"max(kerasd_feedback_delay_seconds_count{{{OF}}})") == 1000


@pytest.mark.parametrize(
    ("counter", "rows"),
    [
        ("kerasd_feedback_rows_total", 1000),
        ("kerasd_feedback_true_positives_total", 990),
        ("kerasd_feedback_false_positives_total", 10),
        ("kerasd_feedback_false_negatives_total", 10),
        ("kerasd_feedback_confusion_total", 1000),
    ],
)
def test_increases_are_right_to_the_row(server: PrivatePrometheus, counter: str, rows: int) -> None:
    """Nothing was there before, no series began above 0, and none ever fell."""
    series = f"{counter}{{{OF}}}"
    assert server.value(f"sum(max_over_time({series}[1h]) - min_over_time({series}[1h]))") == rows
    assert server.value(f"sum(resets({series}[1h]))") == 0


def test_the_recorded_rules_tell_it(server: PrivatePrometheus) -> None:
    def is_told(metric: str) -> bool:
        rule = f"max(job_model_version:kerasd_{metric}:ratio_increase1h{{{OF}}})"
        return math.isclose(_number(server, rule), EXPECTED[metric], abs_tol=5e-5)

    for metric in ("accuracy", "balanced_accuracy", "mcc", "no_information_rate"):
        wait_until(partial(is_told, metric), f"the rule for {metric}", 60)


def test_the_alert_fires_while_accuracy_looks_fine(server: PrivatePrometheus) -> None:
    wait_until(lambda: "KerasdClassMissed" in server.firing(), "a class is missed", 60)
    assert server.value(FROM_COUNTERS["accuracy"]) == 0.99


def _is_at_0(server: PrivatePrometheus, expression: str) -> bool:
    return _number(server, expression) == 0


def _number(server: PrivatePrometheus, expression: str) -> float:
    """NaN as long as there is none."""
    found = server.query(expression)
    return float(found[0]["value"][1]) if found else math.nan
