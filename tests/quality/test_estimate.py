"""The estimate before labels arrive: what it finds, how sure it is, and when there is none."""

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.quality.calibration import (
    Reliability,
    bin_of,
    equal_width,
    reliability,
)
from service.quality.estimate import AccuracyEstimate, estimate, learn
from service.quality.score_counts import count_scores

EDGES = equal_width(10)


def labelled(confidence: np.ndarray, right: np.ndarray) -> Reliability:
    found = reliability(count_scores(right, confidence), EDGES)
    assert found is not None
    return found


def of_bins(rows: np.ndarray, right: np.ndarray) -> Reliability:
    """As if every row lay in the middle of its bin."""
    return Reliability(EDGES, rows, right, rows * (EDGES[:-1] + EDGES[1:]) / 2)


def count_in_bins(scores: np.ndarray) -> np.ndarray:
    return np.bincount(bin_of(scores, EDGES), minlength=len(EDGES) - 1)


def draw(
    rng: np.random.Generator, rows: int, low: float, high: float, honesty: float = 0.8
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a version that is right less often than its confidence says."""
    confidence = rng.uniform(low, high, rows)
    return confidence, rng.uniform(size=rows) < confidence * honesty


def estimated(calibration: Reliability, unlabelled: np.ndarray) -> AccuracyEstimate:
    found = estimate(learn(calibration), unlabelled)
    assert found is not None
    return found


def test_overconfidence_is_taken_out() -> None:
    rng = np.random.default_rng(0)
    confidence, right = draw(rng, 20_000, 0.5, 1)
    later, later_right = draw(rng, 20_000, 0.5, 1)
    found = estimated(labelled(confidence, right), count_in_bins(later))
    assert later.mean() - later_right.mean() > 0.1
    assert abs(found.accuracy - later_right.mean()) < 0.01


def test_harder_inputs_are_seen_before_labels_arrive() -> None:
    rng = np.random.default_rng(1)
    confidence, right = draw(rng, 20_000, 0.5, 1)
    harder, harder_right = draw(rng, 5000, 0.5, 0.7)
    found = estimated(labelled(confidence, right), count_in_bins(harder))
    assert found.accuracy < right.mean() - 0.1
    assert abs(found.accuracy - harder_right.mean()) < 0.03


def test_another_truth_of_the_same_inputs_shows_in_the_gap_only() -> None:
    rng = np.random.default_rng(2)
    confidence, right = draw(rng, 20_000, 0.5, 1)
    later, later_right = draw(rng, 20_000, 0.5, 1, honesty=0.5)
    found = estimated(labelled(confidence, right), count_in_bins(later))
    gap = found.gap(float(later_right.mean()))
    assert gap == pytest.approx(0.3 * 0.75, abs=0.02)
    assert found.gap(None) is None


def test_the_interval_holds_what_comes_out_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(300):
        calibration = labelled(*draw(rng, 400, 0.5, 1))
        later, later_right = draw(rng, 400, 0.5, 1)
        held += later_right.mean() in estimated(calibration, count_in_bins(later)).interval
    assert 0.91 < held / 300 < 0.99


def test_without_enough_labelled_rows_there_is_none() -> None:
    unlabelled = np.full(10, 100)
    few = of_bins(np.full(10, 9), np.full(10, 5))
    assert learn(few) is None
    assert learn(few, min_rows=90) is not None
    assert estimate(learn(few), unlabelled) is None
    assert learn(of_bins(np.zeros(10, int), np.zeros(10, int)), min_rows=0) is None


def test_without_enough_predictions_there_is_none() -> None:
    calibration = learn(of_bins(np.full(10, 90), np.full(10, 50)))
    assert estimate(calibration, np.zeros(10, int)) is None
    assert estimate(calibration, np.full(10, 2), min_rows=21) is None
    assert estimate(calibration, np.full(10, 2), min_rows=20) is not None


def test_a_bin_of_few_rows_is_drawn_to_the_prior_and_one_of_many_is_not() -> None:
    rows = np.array([0, 0, 0, 0, 0, 0, 0, 0, 1, 10_000])
    right = np.array([0, 0, 0, 0, 0, 0, 0, 0, 0, 9000])
    calibration = learn(of_bins(rows, right))
    assert calibration is not None
    assert calibration.accuracy[9] == pytest.approx(0.9, abs=1e-3)
    shift = 0.95 - 0.9
    assert calibration.accuracy[8] == pytest.approx(10 * (0.85 - shift) / 11, abs=1e-3)
    assert calibration.accuracy[5] == pytest.approx(0.55 - shift, abs=1e-3)
    assert calibration.variance[5] > calibration.variance[8] > calibration.variance[9]


def test_rows_that_were_all_right_at_full_confidence_make_no_certainty() -> None:
    certain = labelled(np.ones(200), np.ones(200, bool))
    found = estimated(certain, count_in_bins(np.ones(1000)))
    assert found.accuracy == pytest.approx(1 - 10 / 202 / 210)
    assert found.interval.lower < 0.999


def test_predictions_in_bins_without_labels_are_told() -> None:
    rows = np.array([0] * 9 + [1000])
    found = estimated(of_bins(rows, rows // 2), np.array([0] * 5 + [25, 0, 0, 0, 75]))
    assert found.covered == 0.75
    assert (found.rows, found.labelled_rows) == (100, 1000)


@settings(max_examples=60)
@given(st.data())
def test_it_is_a_share_with_an_error_even_where_everything_was_right(data: st.DataObject) -> None:
    some = st.lists(st.integers(0, 50), min_size=10, max_size=10)
    rows = np.array(data.draw(some)) * data.draw(st.sampled_from([1, 10**10]))
    right = rows if data.draw(st.booleans()) else rows // 2
    unlabelled = np.array(data.draw(some))
    calibration = learn(of_bins(rows, right), min_rows=1)
    found = estimate(calibration, unlabelled)
    assert (found is None) == (not rows.any() or not unlabelled.any())
    if found is not None:
        assert 0 < found.accuracy < 1
        assert found.standard_error > 0
        assert 0 <= found.interval.lower < found.accuracy < found.interval.upper <= 1
        assert orjson.loads(orjson.dumps(found.as_json())) == found.as_json()
