"""Errors of predicted numbers against scikit-learn, from sums that add up."""

import warnings
from dataclasses import astuple
from math import sqrt

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from service.quality.regression import RegressionScores, RegressionSums, add_up, score_values

numbers = st.floats(-1000, 1000, width=32)
pairs = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=40)


def sums(rows: list[tuple[float, float]]) -> RegressionSums:
    true, predicted = zip(*rows, strict=True)
    return add_up(np.array(true, np.float64), np.array(predicted, np.float64))


def scores(rows: list[tuple[float, float]]) -> RegressionScores:
    return score_values(sums(rows))


@settings(max_examples=60)
@given(pairs)
def test_they_are_those_of_scikit_learn(rows: list[tuple[float, float]]) -> None:
    true, predicted = zip(*rows, strict=True)
    found = scores(rows)
    assert found.mae == pytest.approx(metrics.mean_absolute_error(true, predicted))
    assert found.rmse == pytest.approx(metrics.root_mean_squared_error(true, predicted))
    assert found.bias == pytest.approx(np.mean(predicted) - np.mean(true), abs=1e-9)
    if found.r2 is not None:
        assert found.r2 == pytest.approx(metrics.r2_score(true, predicted), rel=1e-5, abs=1e-5)
    large = [(t, p) for t, p in rows if abs(t) > 1e-6]
    assert found.mape_rows == len(large)
    if large:
        expected = metrics.mean_absolute_percentage_error(*zip(*large, strict=True))
        assert found.mape == pytest.approx(expected)


@settings(max_examples=40)
@given(pairs, pairs)
def test_sums_of_parts_add_up(
    one: list[tuple[float, float]], other: list[tuple[float, float]]
) -> None:
    added, whole = sums(one) + sums(other), sums(one + other)
    assert astuple(added) == pytest.approx(astuple(whole), rel=1e-12, abs=1e-9)


def test_a_positive_bias_is_too_much() -> None:
    found = scores([(1.0, 2.0), (3.0, 4.0)])
    assert (found.bias, found.mae, found.rmse) == (1.0, 1.0, 1.0)
    assert scores([(1.0, 0.0), (3.0, 4.0)]).bias == 0


def test_no_rows_and_too_few_have_no_value() -> None:
    for found in (score_values(RegressionSums()), score_values(sums([(1.0, 2.0)] * 9), 10)):
        assert (found.mae, found.rmse, found.bias, found.r2, found.mape) == (None,) * 5


def test_a_truth_that_does_not_vary_has_no_r2_not_a_lucky_one() -> None:
    assert scores([(5.0, 5.0)] * 10).r2 is None
    assert scores([(0.0, 0.0)] * 3).r2 is None
    assert scores([(0.1, 0.1)]).r2 is None


def test_r2_is_kept_for_values_far_from_zero_and_refused_where_digits_end() -> None:
    rng = np.random.default_rng(0)
    true = 1e4 + rng.normal(size=500)
    predicted = true + rng.normal(size=500) / 2
    expected = metrics.r2_score(true, predicted)
    assert score_values(add_up(true, predicted)).r2 == pytest.approx(expected, rel=1e-5)
    assert score_values(add_up(true + 1e6, predicted + 1e6)).r2 is None


def test_rows_that_are_no_numbers_are_counted_apart() -> None:
    true = np.array([1.0, np.nan, 2.0, np.inf, 3.0])
    found = score_values(add_up(true, np.array([1.0, 1.0, np.inf, np.inf, 5.0])))
    assert (found.rows, found.unusable) == (2, 3)
    assert found.mae == 1.0


def test_values_near_zero_are_left_out_of_the_percentage_only() -> None:
    found = scores([(0.0, 5.0), (1e-9, 1.0), (2.0, 1.0)])
    assert (found.mape, found.mape_rows, found.rows) == (0.5, 1, 3)
    assert scores([(0.0, 5.0)]).mape is None


def test_numbers_at_the_end_of_floats_make_no_infinity() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = score_values(add_up(np.array([1e300, -1e300] * 2), np.array([1e299] * 4)))
        most = score_values(add_up(np.array([1.7e308] * 3), np.array([-1e3] * 3)))
    assert found.mae is not None
    assert (found.rmse, found.r2) == (None, None)
    assert (most.mae, most.bias) == (None, None)
    assert orjson.loads(orjson.dumps(found.as_json())) == found.as_json()


def test_sums_of_a_trillion_rows() -> None:
    times = 10**12
    few = sums([(1.0, 2.0), (3.0, 1.0), (2.0, 2.5)])
    many = RegressionSums(*(value * times for value in astuple(few)))
    one, other = score_values(few), score_values(many)
    assert other.rmse == pytest.approx(sqrt(5.25 / 3))
    assert other.r2 == pytest.approx(one.r2)


def test_a_column_is_not_stretched_over_the_rows() -> None:
    with pytest.raises(ValueError, match="expected equal"):
        add_up(np.array([1.0, 2.0]), np.array([[1.0], [2.0]]))
