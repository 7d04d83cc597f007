"""The table of scores that ranking and calibration are computed from."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.quality.score_counts import ScoreCounts, count_scores, group

scored = st.lists(st.tuples(st.booleans(), st.integers(0, 8)), max_size=30)


def counts(rows: list[tuple[bool, int]]) -> ScoreCounts:
    return count_scores(
        np.array([right for right, _ in rows], bool), np.array([s / 8 for _, s in rows])
    )


def table(of: ScoreCounts) -> list[list[float]]:
    return [of.score.tolist(), of.positives.tolist(), of.negatives.tolist()]


def test_rows_of_one_score_stand_together() -> None:
    found = counts([(True, 4), (False, 4), (True, 2), (True, 4)])
    assert table(found) == [[0.25, 0.5], [1, 2], [0, 1]]
    assert (found.positive_rows, found.negative_rows, found.rows) == (3, 1, 4)


@settings(max_examples=40)
@given(scored, scored)
def test_counts_of_parts_add_up(one: list[tuple[bool, int]], other: list[tuple[bool, int]]) -> None:
    assert table(counts(one) + counts(other)) == table(counts(one + other))


def test_groups_of_a_query_may_come_several_times_and_be_huge() -> None:
    odd = 2**53 + 1
    found = group(np.array([0.5, 0.1, 0.5]), np.array([odd, 1, 2]), np.array([0, 3, 4]))
    assert table(found) == [[0.1, 0.5], [1, odd + 2], [3, 4]]


def test_scores_outside_of_0_and_1_are_no_probabilities() -> None:
    assert counts([(True, 0), (False, 8)]).is_probability
    assert counts([]).is_probability
    assert not count_scores(np.array([True]), np.array([1.5])).is_probability
    assert not count_scores(np.array([True, False]), np.array([-2.0, 0.5])).is_probability


def test_a_score_that_is_no_number_is_an_error() -> None:
    with pytest.raises(ValueError, match="NaN"):
        count_scores(np.array([True]), np.array([np.nan]))


def test_arrays_of_other_shapes_are_an_error() -> None:
    with pytest.raises(ValueError, match="expected equal"):
        count_scores(np.array([True]), np.array([[0.5]]))
