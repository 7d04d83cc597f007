"""Reliability by bins against scikit-learn's curve, ECE and MCE against their definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from service.quality.calibration import (
    Reliability,
    bin_of,
    equal_width,
    reliability,
)
from service.quality.score_counts import ScoreCounts, count_scores, group

chances = st.one_of(st.floats(0, 1, width=32), st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.7, 1.0]))
scored = st.lists(st.tuples(st.booleans(), chances), min_size=1, max_size=40)


def counts(rows: list[tuple[bool, float]]) -> ScoreCounts:
    right, scores = zip(*rows, strict=True)
    return count_scores(np.array(right), np.array(scores, np.float64))


def binned(of: ScoreCounts, edges: np.ndarray) -> Reliability:
    found = reliability(of, edges)
    assert found is not None
    return found


@settings(max_examples=60)
@given(scored, st.sampled_from([1, 2, 4, 8]))
def test_the_bins_are_those_of_scikit_learn(rows: list[tuple[bool, float]], bins: int) -> None:
    found = binned(counts(rows), equal_width(bins))
    right, scores = (np.array(column, np.float64) for column in zip(*rows, strict=True))
    shares, means = calibration_curve(right, scores, n_bins=bins)
    full = found.rows > 0
    assert (found.right[full] / found.rows[full]).tolist() == pytest.approx(shares.tolist())
    assert (found.score_sum[full] / found.rows[full]).tolist() == pytest.approx(means.tolist())


@settings(max_examples=40)
@given(scored, scored)
def test_bins_of_parts_add_up(
    one: list[tuple[bool, float]], other: list[tuple[bool, float]]
) -> None:
    edges = equal_width()
    added = binned(counts(one), edges) + binned(counts(other), edges)
    whole = binned(counts(one + other), edges)
    assert added.rows.tolist() == whole.rows.tolist()
    assert added.right.tolist() == whole.right.tolist()
    assert added.ece() == pytest.approx(whole.ece())


def test_ece_and_mce_by_hand() -> None:
    right = np.array([True] * 6 + [False] * 2 + [True, False])
    found = binned(count_scores(right, np.array([0.9] * 8 + [0.6] * 2)), equal_width(10))
    assert found.ece() == pytest.approx(0.8 * abs(0.9 - 0.75) + 0.2 * abs(0.6 - 0.5))
    assert found.mce() == pytest.approx(0.15)
    assert found.mce(min_support=3) == pytest.approx(0.15)
    assert found.mce(min_support=9) is None
    assert found.overconfidence() == pytest.approx(0.84 - 0.7)


def test_too_few_rows_have_no_error() -> None:
    nothing = binned(group(*[np.array([], np.int64)] * 3), equal_width())
    assert (nothing.ece(), nothing.mce(), nothing.overconfidence()) == (None, None, None)
    assert binned(counts([(True, 0.9)]), equal_width()).ece(min_support=2) is None


def test_logits_have_no_calibration() -> None:
    assert reliability(count_scores(np.array([True]), np.array([4.2])), equal_width()) is None


def test_a_bin_has_its_upper_edge_and_the_first_has_both() -> None:
    assert bin_of(np.array([0.0, 0.25, 0.26, 0.5, 1.0]), equal_width(4)).tolist() == [0, 0, 1, 1, 3]


def test_bins_of_other_edges_are_not_added() -> None:
    one = counts([(True, 0.9)])
    with pytest.raises(ValueError, match="same bins"):
        binned(one, equal_width(5)) + binned(one, equal_width(10))


def test_the_diagram_shows_intervals_and_no_value_for_empty_bins() -> None:
    first, second = binned(counts([(True, 0.9), (False, 0.8)]), equal_width(2)).bins()
    assert (first["rows"], first["score"], first["accuracy"]) == (0, None, None)
    assert first["accuracy_interval"] is None
    assert (second["from"], second["to"], second["right"]) == (0.5, 1.0, 1)
    assert second["score"] == pytest.approx(0.85)
    assert second["accuracy_interval"][0] < 0.5 < second["accuracy_interval"][1]
