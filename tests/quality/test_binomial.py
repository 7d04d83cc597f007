"""The binomial tail against SciPy, for few rows and for a trillion."""

from itertools import pairwise
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom  # type: ignore[import-untyped]

from service.quality.binomial import EXACT_VARIANCE, point, tail

probabilities = st.one_of(st.floats(1e-6, 1 - 1e-6), st.just(0.5), st.sampled_from([1e-9, 0.999]))


@settings(max_examples=150)
@given(st.one_of(st.integers(1, 60), st.integers(1, 10**12)), probabilities, st.floats(-7, 7))
def test_the_tail_is_that_of_scipy(rows: int, probability: float, deviations: float) -> None:
    variance = rows * probability * (1 - probability)
    successes = round(rows * probability + deviations * variance**0.5)
    successes = min(max(successes, 0), rows)
    tolerance = 1e-8 if variance <= EXACT_VARIANCE else 1e-4
    expected = binom.sf(successes - 1, rows, probability)
    assert tail(successes, rows, probability) == pytest.approx(expected, rel=tolerance)


@pytest.mark.parametrize("rows", [1, 2, 5, 12])
def test_of_a_fair_coin_it_is_the_sum_of_binomial_coefficients(rows: int) -> None:
    for successes in range(rows + 1):
        expected = sum(comb(rows, k) for k in range(successes, rows + 1)) / 2**rows
        assert tail(successes, rows, 0.5) == pytest.approx(expected, rel=1e-12)
        assert point(successes, rows, 0.5) == pytest.approx(comb(rows, successes) / 2**rows)


def test_its_ends() -> None:
    assert tail(0, 10, 0.3) == 1
    assert tail(-1, 10, 0.3) == 1
    assert tail(11, 10, 0.3) == 0
    assert tail(3, 10, 0.0) == 0
    assert tail(3, 10, 1.0) == 1
    assert tail(10, 10, 0.3) == pytest.approx(0.3**10)


@settings(max_examples=40)
@given(st.integers(1, 300), probabilities)
def test_it_falls_from_one_and_stays_a_chance(rows: int, probability: float) -> None:
    values = [tail(k, rows, probability) for k in range(0, rows + 2, max(1, rows // 7))]
    assert all(0 <= value <= 1 for value in values)
    assert all(a >= b - 1e-12 for a, b in pairwise(values))


@pytest.mark.parametrize("deviations", [-1, 0, 2, 5])
@pytest.mark.parametrize("probability", [0.3, 0.5, 0.7])
def test_above_the_exact_range_no_half_row_is_lost(probability: float, deviations: int) -> None:
    rows = 6 * 10**8
    spread = (rows * probability * (1 - probability)) ** 0.5
    assert spread**2 > EXACT_VARIANCE
    successes = round(rows * probability + deviations * spread)
    expected = binom.sf(successes - 1, rows, probability)
    assert tail(successes, rows, probability) == pytest.approx(expected, rel=5e-5)
