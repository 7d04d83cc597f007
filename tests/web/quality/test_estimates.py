"""The estimate of accuracy at a scrape, where 100 old rows at 0.9 were right in 90 cases."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.quality.score_bins import EDGES
from service.quality.windows import DAY, HOUR
from tests.quality.rows import NOON, labelled
from tests.web.quality.scraped import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.engine.dispose()


def learn(desk: Desk) -> None:
    old = NOON - 14 * DAY
    desk.enter(*(labelled(f"o{n}", 1 if n % 10 else 0, 1, at=old, score=0.899) for n in range(100)))


def predict(desk: Desk, rows: int) -> None:
    answered = ("m", 1, NOON // HOUR)
    desk.store.count_predictions({answered: rows}, {(answered, EDGES.index(0.9) - 1): rows})


def test_it_stands_before_any_label_of_the_window_has_come(desk: Desk) -> None:
    learn(desk)
    predict(desk, 50)

    found = desk.scrape()

    for window in ("1h", "1d", "7d", "all"):
        told = found["quality_estimated_accuracy_ratio"]["m", "1", window]
        assert math.isclose(told, 0.9, abs_tol=1e-3)
    assert ("m", "1", "1h") not in found.get("quality_estimate_gap_ratio", {})
    assert ("m", "1", "accuracy", "", "1h") not in found["quality_ratio"]


def test_the_gap_opens_when_the_same_inputs_mean_something_else(desk: Desk) -> None:
    learn(desk)
    predict(desk, 50)
    desk.enter(*(labelled(f"n{n}", n % 2, 1, score=0.899) for n in range(50)))

    found = desk.scrape()

    realised = found["quality_ratio"]["m", "1", "accuracy", "", "1d"]
    gap = found["quality_estimate_gap_ratio"]["m", "1", "1d"]
    assert realised == 0.5
    assert math.isclose(gap, 0.4, abs_tol=1e-3)


def test_there_is_none_from_too_few_labels(desk: Desk) -> None:
    predict(desk, 50)
    desk.enter(*(labelled(f"n{n}", 1, 1, score=0.899) for n in range(99)))
    assert "quality_estimated_accuracy_ratio" not in desk.scrape()
