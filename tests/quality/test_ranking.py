"""Areas under curves against scikit-learn, with ties, histograms and one kind of rows only."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from service.quality.ranking import pr_auc, rank_classes, roc_auc
from service.quality.score_counts import count_scores, group

both_kinds = st.lists(
    st.tuples(st.booleans(), st.one_of(st.integers(-2, 3), st.floats(-9, 9, width=32))),
    min_size=2,
    max_size=40,
).filter(lambda rows: len({right for right, _ in rows}) == 2)


@settings(max_examples=60)
@given(both_kinds)
def test_areas_are_those_of_scikit_learn(rows: list[tuple[bool, float]]) -> None:
    true = np.array([right for right, _ in rows])
    scores = np.array([value for _, value in rows], np.float64)
    counts = count_scores(true, scores)
    assert roc_auc(counts) == pytest.approx(roc_auc_score(true, scores), abs=1e-12)
    assert pr_auc(counts) == pytest.approx(average_precision_score(true, scores), abs=1e-12)


@settings(max_examples=40)
@given(both_kinds)
def test_turning_scores_and_kinds_round_keeps_the_roc_area(rows: list[tuple[bool, float]]) -> None:
    true = np.array([right for right, _ in rows])
    scores = np.array([value for _, value in rows], np.float64)
    found = roc_auc(count_scores(true, scores))
    assert found == pytest.approx(roc_auc(count_scores(~true, -scores)))
    assert roc_auc(count_scores(true, -scores)) == pytest.approx(1 - (found or 0))


def test_a_constant_score_guesses() -> None:
    counts = count_scores(np.array([True, False, False, False]), np.full(4, 0.7))
    assert roc_auc(counts) == 0.5
    assert pr_auc(counts) == 0.25


@pytest.mark.parametrize("kind", [True, False])
def test_one_kind_of_rows_has_no_area_not_a_lucky_one(kind: bool) -> None:
    counts = count_scores(np.full(5, kind), np.linspace(0, 1, 5))
    assert roc_auc(counts) is None
    assert pr_auc(counts) is None


def test_too_few_rows_of_either_kind_have_none() -> None:
    counts = count_scores(np.arange(30) < 4, np.linspace(0, 1, 30))
    assert roc_auc(counts, min_support=4) is not None
    assert roc_auc(counts, min_support=5) is None
    assert pr_auc(counts, min_support=5) is None


def test_a_histogram_is_its_rows_at_the_bins_middles() -> None:
    middles = (np.arange(10) + 0.5) / 10
    positives, negatives = np.arange(10), np.arange(10)[::-1].copy()
    rows = np.concatenate([np.repeat(middles, positives), np.repeat(middles, negatives)])
    true = np.arange(len(rows)) < positives.sum()
    counts = group(middles, positives, negatives)
    assert roc_auc(counts) == pytest.approx(roc_auc_score(true, rows))
    assert pr_auc(counts) == pytest.approx(average_precision_score(true, rows))


def test_empty_bins_at_the_top_change_nothing() -> None:
    short = group(np.array([0.1, 0.5]), np.array([1, 3]), np.array([2, 1]))
    padded = group(np.array([0.1, 0.5, 0.9]), np.array([1, 3, 0]), np.array([2, 1, 0]))
    assert pr_auc(padded) == pr_auc(short)
    assert roc_auc(padded) == roc_auc(short)


def test_huge_counts_give_the_same_areas() -> None:
    score, positives = np.array([0.1, 0.4, 0.8]), np.array([1, 2, 7])
    few = group(score, positives, positives[::-1])
    many = group(score, positives * 10**12, positives[::-1] * 10**12)
    assert roc_auc(many) == pytest.approx(roc_auc(few), rel=1e-12)
    assert pr_auc(many) == pytest.approx(pr_auc(few), rel=1e-12)


def test_each_class_against_the_rest() -> None:
    rng = np.random.default_rng(0)
    true, scores = rng.integers(0, 4, 200), rng.dirichlet(np.ones(4), 200)
    ranking = rank_classes(true, scores)
    expected = roc_auc_score(true, scores, multi_class="ovr", average=None)
    assert ranking.roc_auc == pytest.approx(tuple(expected))
    assert ranking.macro_roc_auc == pytest.approx(expected.mean())
    precision = average_precision_score(np.eye(4)[true], scores, average="macro")
    assert ranking.macro_pr_auc == pytest.approx(precision)


def test_a_class_that_does_not_occur_is_in_no_mean() -> None:
    rng = np.random.default_rng(1)
    true, scores = rng.integers(0, 2, 50), rng.dirichlet(np.ones(3), 50)
    ranking = rank_classes(true, scores)
    assert ranking.roc_auc[2] is None
    expected = roc_auc_score(true, scores[:, 1]) + roc_auc_score(1 - true, scores[:, 0])
    assert ranking.macro_roc_auc == pytest.approx(expected / 2)
