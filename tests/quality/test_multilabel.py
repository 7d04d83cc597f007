"""Scores of several labels at once against scikit-learn."""

import warnings
from dataclasses import astuple
from math import isnan
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from service.quality.multilabel import LabelCounts, count_labels, score_labels


@st.composite
def answers(draw: st.DrawFn, labels: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    width = labels or draw(st.integers(1, 4))
    rows = draw(st.integers(1, 12))
    bits = st.lists(st.integers(0, 1), min_size=2 * rows * width, max_size=2 * rows * width)
    both = np.array(draw(bits), np.int64).reshape(2, rows, width)
    return both[0], both[1]


def same(ours: float | None, theirs: float) -> None:
    if ours is None:
        assert isnan(theirs)
    else:
        assert ours == pytest.approx(theirs, abs=1e-12)


@settings(max_examples=60)
@given(answers())
def test_they_are_those_of_scikit_learn(pair: tuple[np.ndarray, np.ndarray]) -> None:
    true, predicted = pair
    found = score_labels(count_labels(true, predicted))
    same(found.subset_accuracy, np.all(true == predicted, axis=1).mean())
    same(found.hamming_loss, metrics.hamming_loss(true, predicted))
    if true.shape[1] == 1:
        return  # scikit-learn takes one column for two classes
    ours = [
        [[c.true_negatives, c.false_positives], [c.false_negatives, c.true_positives]]
        for c in found.classes
    ]
    assert ours == metrics.multilabel_confusion_matrix(true, predicted).tolist()

    def theirs(average: str) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a mean of nothing is NaN
            return metrics.precision_recall_fscore_support(
                true, predicted, average=average, zero_division=np.nan
            )[:3]

    for average, name in ((found.micro, "micro"), (found.macro, "macro")):
        for one, expected in zip(astuple(average), theirs(name), strict=True):
            same(one, expected)
    if found.weighted.precision is not None:  # else scikit-learn divides by zero
        for one, expected in zip(astuple(found.weighted), theirs("weighted"), strict=True):
            same(one, expected)
    named = (true | predicted).any(axis=1)
    if named.any():
        expected = metrics.jaccard_score(true[named], predicted[named], average="samples")
        same(found.jaccard, expected)
    else:
        assert found.jaccard is None


def table(counts: LabelCounts) -> list[Any]:
    arrays = (counts.true_positives, counts.false_positives, counts.false_negatives)
    return [counts.rows, *(a.tolist() for a in arrays), counts.exact_rows, counts.named_rows]


@settings(max_examples=40)
@given(answers(labels=3), answers(labels=3))
def test_counts_of_parts_add_up(
    one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]
) -> None:
    whole = count_labels(*(np.concatenate(sides) for sides in zip(one, other, strict=True)))
    added = count_labels(*one) + count_labels(*other)
    assert table(added) == table(whole)
    assert added.jaccard == pytest.approx(whole.jaccard)


def test_no_rows_and_too_few_have_no_value() -> None:
    empty = np.zeros((0, 2), np.int64)
    one = np.array([[1, 0]])
    for found in (
        score_labels(count_labels(empty, empty)),
        score_labels(count_labels(one, one), min_support=2),
    ):
        assert found.subset_accuracy is None
        assert found.subset_accuracy_interval is None
        assert found.hamming_loss is None
        assert found.jaccard is None
        assert astuple(found.micro) == astuple(found.macro) == (None, None, None)


def test_rows_without_any_label_are_exact_but_in_no_jaccard_index() -> None:
    true = np.array([[0, 0], [0, 0], [1, 0]])
    found = score_labels(count_labels(true, np.array([[0, 0], [0, 0], [1, 1]])))
    assert found.subset_accuracy == pytest.approx(2 / 3)
    assert found.jaccard == 0.5


def test_json_carries_everything() -> None:
    true = np.array([[1, 0], [1, 1]])
    record = score_labels(count_labels(true, true)).as_json(("cat", "dog"))
    assert orjson.loads(orjson.dumps(record)) == record
    assert [one["label"] for one in record["classes"]] == ["cat", "dog"]
    assert record["subset_accuracy"] == 1


def test_other_shapes_are_an_error() -> None:
    with pytest.raises(ValueError, match="expected equal"):
        count_labels(np.array([1, 0]), np.array([1, 0]))
