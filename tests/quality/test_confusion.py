"""Counting the confusion matrix."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix

from service.quality.confusion import count, from_cells

pairs = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=40)


def columns(rows: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    table = np.array(rows, np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


@settings(max_examples=40)
@given(pairs.filter(bool))
def test_it_is_that_of_scikit_learn(rows: list[tuple[int, int]]) -> None:
    true, predicted = columns(rows)
    expected = confusion_matrix(true, predicted, labels=range(5))
    assert count(true, predicted, 5).tolist() == expected.tolist()


@settings(max_examples=40)
@given(pairs, pairs)
def test_matrices_of_parts_add_up(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> None:
    whole = count(*columns(one + other), 5)
    assert (count(*columns(one), 5) + count(*columns(other), 5)).tolist() == whole.tolist()


def test_rows_are_true_and_columns_predicted() -> None:
    matrix = count(np.array([0, 0, 1]), np.array([1, 1, 1]), 2)
    assert matrix.tolist() == [[0, 2], [0, 1]]
    assert matrix.dtype == np.int64


def test_no_rows_are_zeros() -> None:
    assert count(np.array([], np.int64), np.array([], np.int64), 3).tolist() == [[0] * 3] * 3
    assert from_cells([], 2).tolist() == [[0, 0], [0, 0]]


def test_small_integer_types_do_not_overflow() -> None:
    last = np.array([199], np.uint8)
    assert count(last, last, 200)[199, 199] == 1


def test_cells_of_a_database_are_added_exactly() -> None:
    odd = 2**53 + 1  # no float
    assert from_cells([(0, 1, odd), (1, 1, 2), (0, 1, 1)], 2).tolist() == [[0, odd + 1], [0, 2]]


@pytest.mark.parametrize("wrong", [-1, 3])
def test_a_class_that_is_none_is_an_error_and_not_another_class(wrong: int) -> None:
    with pytest.raises(ValueError, match=rf"predicted classes \[{wrong}\]: expected 0 to 2"):
        count(np.array([0, 1]), np.array([0, wrong]), 3)
    with pytest.raises(ValueError, match="true classes"):
        count(np.array([0, wrong]), np.array([0, 1]), 3)


def test_arrays_of_other_lengths_are_an_error() -> None:
    with pytest.raises(ValueError, match="expected equal"):
        count(np.array([0, 1]), np.array([0]), 2)
