"""Wilson's interval against SciPy, at its ends and for huge counts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest  # type: ignore[import-untyped]

from service.quality.intervals import Interval, ends, normal_quantile, wilson, wilson_of_rate


@settings(max_examples=60)
@given(st.data(), st.integers(1, 10**6), st.sampled_from([0.8, 0.95, 0.99]))
def test_it_is_that_of_scipy(data: st.DataObject, rows: int, level: float) -> None:
    successes = data.draw(st.integers(0, rows))
    found = wilson(successes, rows, level)
    expected = binomtest(successes, rows).proportion_ci(level, method="wilson")
    assert found is not None
    assert found.lower == pytest.approx(expected.low, abs=1e-12)
    assert found.upper == pytest.approx(expected.high, abs=1e-12)


def test_without_rows_there_is_none() -> None:
    assert wilson(0, 0) is None
    assert ends(None) is None


@pytest.mark.parametrize("rows", [*range(1, 40), 10**6, 10**12])
def test_none_right_and_all_right_are_in_it_and_it_is_not_empty(rows: int) -> None:
    none, every = wilson(0, rows), wilson(rows, rows)
    assert none is not None
    assert every is not None
    assert none.lower == 0
    assert 0 < none.upper < 1
    assert every.upper == 1
    assert 0 < every.lower < 1


@settings(max_examples=40)
@given(st.integers(1, 10**12), st.floats(0, 1))
def test_it_holds_the_rate_and_stays_a_share(rows: int, share: float) -> None:
    successes = round(share * rows)
    found = wilson(successes, rows)
    assert found is not None
    assert 0 <= found.lower <= successes / rows <= found.upper <= 1


def test_more_rows_make_it_narrower_and_a_higher_level_wider() -> None:
    def width(interval: Interval | None) -> float:
        assert interval is not None
        return interval.upper - interval.lower

    assert width(wilson(40, 100)) > width(wilson(400, 1000)) > width(wilson(4000, 10_000))
    assert width(wilson(40, 100, 0.99)) > width(wilson(40, 100, 0.9))


def test_a_rate_of_rows_and_counted_rows_give_the_same() -> None:
    assert wilson(30, 40) == wilson_of_rate(0.75, 40)
    assert 0.75 in wilson_of_rate(0.75, 12.5)
    assert 0.2 not in wilson_of_rate(0.75, 12.5)


def test_the_quantile_is_the_well_known_one() -> None:
    assert normal_quantile(0.95) == pytest.approx(1.959963984540054)
