"""Brier score and log loss against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as their_log_loss

from service.quality.proper_scores import brier, brier_of_classes, log_loss, log_loss_of_classes
from service.quality.score_counts import count_scores, group

scored = st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=30)


@settings(max_examples=50)
@given(scored)
def test_of_two_classes_they_are_those_of_scikit_learn(rows: list[tuple[bool, float]]) -> None:
    true = np.array([right for right, _ in rows])
    scores = np.array([value for _, value in rows])
    counts = count_scores(true, scores)
    both = np.column_stack([1 - scores, scores])
    expected = brier_score_loss(true, scores, pos_label=True, labels=[False, True])
    assert brier(counts) == pytest.approx(expected, abs=1e-12)
    expected = their_log_loss(true, y_proba=both, labels=[False, True])
    assert log_loss(counts) == pytest.approx(expected, abs=1e-9)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(2, 5))
def test_of_several_classes_too(seed: int, rows: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    true = rng.integers(0, classes, rows)
    probabilities = rng.dirichlet(np.ones(classes), rows)
    labels = range(classes)
    expected = brier_score_loss(true, probabilities, labels=labels, scale_by_half=False)
    assert brier_of_classes(true, probabilities) == pytest.approx(expected, abs=1e-12)
    expected = their_log_loss(true, y_proba=probabilities, labels=labels)
    assert log_loss_of_classes(true, probabilities) == pytest.approx(expected, abs=1e-12)


def test_one_impossible_row_costs_what_the_rounding_allows() -> None:
    counts = count_scores(np.array([True]), np.array([0.0]))
    assert log_loss(counts) == pytest.approx(36.04, abs=0.01)
    assert log_loss(counts, smallest=0.5 / 65535) == pytest.approx(np.log(131070))


def test_no_rows_too_few_rows_and_no_probabilities_have_no_value() -> None:
    empty = np.array([])
    logits = count_scores(np.array([True, False]), np.array([3.2, -1.0]))
    for counts in (count_scores(empty.astype(bool), empty), logits):
        assert brier(counts) is None
        assert log_loss(counts) is None
    few = count_scores(np.array([True]), np.array([0.9]))
    assert brier(few, min_support=2) is None
    assert log_loss(few, min_support=2) is None
    true = np.array([0])
    for values in (np.array([[3.0, -2.0]]), np.array([[np.nan, 0.5]])):
        assert brier_of_classes(true, values) is None
        assert log_loss_of_classes(true, values) is None


def test_groups_of_equal_scores_weigh_as_their_rows() -> None:
    few = group(np.array([0.2, 0.9]), np.array([1, 4]), np.array([3, 1]))
    many = group(np.array([0.2, 0.9]), np.array([1, 4]) * 10**12, np.array([3, 1]) * 10**12)
    assert brier(many) == pytest.approx(brier(few))
    assert log_loss(many) == pytest.approx(log_loss(few))
