"""Every score of a confusion matrix against scikit-learn, and what has no value."""

import re
import warnings
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest  # type: ignore[import-untyped]
from sklearn import metrics

from service.quality.class_scores import Average
from service.quality.scores import Scores, score

CANCER = np.array([[988, 3], [7, 2]], np.int64)


@st.composite
def matrices(draw: st.DrawFn) -> np.ndarray:
    """Up to five classes, some without true rows, some never predicted; one row often."""
    classes = draw(st.integers(1, 5))
    cells = st.integers(0, 9) if draw(st.booleans()) else st.integers(0, 1)
    size = classes * classes
    matrix = np.array(draw(st.lists(cells, min_size=size, max_size=size)), np.int64)
    matrix = matrix.reshape(classes, classes)
    matrix[draw(st.lists(st.integers(0, classes - 1), max_size=2))] = 0
    matrix[:, draw(st.lists(st.integers(0, classes - 1), max_size=2))] = 0
    if not matrix.any():
        matrix[draw(st.integers(0, classes - 1)), draw(st.integers(0, classes - 1))] = 1
    return matrix


def spread(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows that make this matrix."""
    true, predicted = np.indices(matrix.shape)
    return np.repeat(true, matrix.ravel()), np.repeat(predicted, matrix.ravel())


def same(ours: float | None, theirs: float) -> None:
    """No value where scikit-learn has NaN, else the same number."""
    if ours is None:
        assert isnan(theirs)
    else:
        assert ours == pytest.approx(theirs, abs=1e-12)


def as_nan(value: float | None) -> float:
    return np.nan if value is None else value


@settings(max_examples=60)
@given(matrices())
def test_classes_and_averages_are_those_of_scikit_learn(matrix: np.ndarray) -> None:
    scores, (true, predicted) = score(matrix), spread(matrix)
    labels = range(len(matrix))

    def theirs(average: str | None) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a mean of nothing is NaN
            return metrics.precision_recall_fscore_support(
                true, predicted, labels=labels, average=average, zero_division=np.nan
            )

    for one, precision, recall, f1, support in zip(scores.classes, *theirs(None), strict=True):
        same(one.precision, precision)
        same(one.recall, recall)
        same(one.f1, f1)
        assert one.support == support
    for average, name in ((scores.macro, "macro"), (scores.micro, "micro")):
        precision, recall, f1, _ = theirs(name)
        same(average.precision, precision)
        same(average.recall, recall)
        same(average.f1, f1)
    if scores.weighted.precision is not None:  # else scikit-learn divides by zero
        precision, recall, f1, _ = theirs("weighted")
        same(scores.weighted.precision, precision)
        same(scores.weighted.recall, recall)
        same(scores.weighted.f1, f1)


@settings(max_examples=60)
@given(matrices())
def test_single_figures_are_those_of_scikit_learn(matrix: np.ndarray) -> None:
    scores, (true, predicted) = score(matrix), spread(matrix)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # for one class only
        same(scores.accuracy, metrics.accuracy_score(true, predicted))
        same(scores.balanced_accuracy, metrics.balanced_accuracy_score(true, predicted))
        same(scores.kappa, metrics.cohen_kappa_score(true, predicted, labels=range(len(matrix))))
        mcc = metrics.matthews_corrcoef(true, predicted)
    if scores.mcc is None:  # undefined; scikit-learn says 0
        assert min(len(set(true)), len(set(predicted))) == 1
    else:
        assert scores.mcc == pytest.approx(mcc, abs=1e-12)
    counts = metrics.multilabel_confusion_matrix(true, predicted, labels=range(len(matrix)))
    ours = [
        [[c.true_negatives, c.false_positives], [c.false_negatives, c.true_positives]]
        for c in scores.classes
    ]
    assert ours == counts.tolist()


@settings(max_examples=40)
@given(matrices())
def test_the_chance_of_guessing_so_well_is_scipys(matrix: np.ndarray) -> None:
    scores, true = score(matrix), spread(matrix)[0]
    rate = np.bincount(true).max() / len(true)
    assert scores.no_information_rate == pytest.approx(rate)
    expected = binomtest(scores.right, scores.rows, rate, alternative="greater").pvalue
    assert scores.no_information_p == pytest.approx(expected, rel=1e-9)


@settings(max_examples=40)
@given(matrices(), st.randoms(use_true_random=False))
def test_the_order_of_the_classes_changes_nothing(matrix: np.ndarray, random: object) -> None:
    order = np.argsort([random.random() for _ in matrix])  # type: ignore[attr-defined]
    one, other = score(matrix), score(matrix[np.ix_(order, order)])
    for name in ("accuracy", "balanced_accuracy", "mcc", "kappa", "no_information_p"):
        assert getattr(one, name) == pytest.approx(getattr(other, name)), name
    for name in ("macro", "micro", "weighted"):
        a, b = getattr(one, name), getattr(other, name)
        assert (a.precision, a.recall, a.f1) == pytest.approx((b.precision, b.recall, b.f1)), name
    moved = [other.classes[i].as_json() for i in np.argsort(order)]
    kept = [c.as_json() for c in one.classes]
    assert [{**c, "index": 0} for c in moved] == [{**c, "index": 0} for c in kept]


@settings(max_examples=40)
@given(matrices(), st.sampled_from([10, 10**6, 10**11]))
def test_huge_counts_give_the_same_ratios(matrix: np.ndarray, times: int) -> None:
    one, many = score(matrix), score(matrix * times)
    for name in ("accuracy", "balanced_accuracy", "mcc", "kappa", "no_information_rate", "lift"):
        same(getattr(many, name), as_nan(getattr(one, name)))
    for a, b in zip(one.classes, many.classes, strict=True):
        assert (b.precision, b.recall, b.f1) == (a.precision, a.recall, a.f1)
        assert b.true_negatives == a.true_negatives * times
    assert many.no_information_p is not None
    assert 0 <= many.no_information_p <= 1


def test_the_cancer_figures() -> None:
    scores = score(CANCER)
    positive = scores.positive
    assert positive is not None
    assert (positive.true_positives, positive.false_positives) == (2, 3)
    assert (positive.false_negatives, positive.true_negatives) == (7, 988)
    assert scores.accuracy == 0.99
    assert positive.precision == 0.4
    assert positive.recall == pytest.approx(0.2222, abs=5e-5)
    assert positive.f1 == pytest.approx(0.2857, abs=5e-5)
    assert scores.balanced_accuracy == pytest.approx(0.6096, abs=5e-5)
    assert scores.mcc == pytest.approx(0.2935, abs=5e-5)
    assert scores.no_information_rate == 0.991
    assert scores.lift == pytest.approx(-0.001)
    assert scores.no_information_p is not None
    assert scores.no_information_p > 0.5  # no sign of being better than who always says no
    assert positive.recall_interval is not None
    assert positive.recall_interval.upper > 0.5  # nine rows tell little


def test_the_document_tells_the_same_figures(project_root: Path) -> None:
    text = (project_root / "docs" / "quality-scores.md").read_text()
    told = dict(re.findall(r"^\| ([\w' -]+?) \| (-?\d\.\d{4}) \|", text, re.MULTILINE))
    scores = score(CANCER)
    positive = scores.positive
    assert positive is not None
    figures = {
        "accuracy": scores.accuracy,
        "no-information rate": scores.no_information_rate,
        "lift": scores.lift,
        "p of the lift": scores.no_information_p,
        "precision": positive.precision,
        "recall": positive.recall,
        "specificity": positive.specificity,
        "F1": positive.f1,
        "balanced accuracy": scores.balanced_accuracy,
        "MCC": scores.mcc,
        "Cohen's kappa": scores.kappa,
    }
    assert told == {name: f"{value:.4f}" for name, value in figures.items()}


def test_without_rows_nothing_has_a_value() -> None:
    scores = score(np.zeros((3, 3), np.int64))
    nothing = Average(None, None, None)
    assert (scores.macro, scores.micro, scores.weighted) == (nothing, nothing, nothing)
    names = ("accuracy", "accuracy_interval", "balanced_accuracy", "mcc", "kappa", "lift")
    for name in (*names, "no_information_rate", "no_information_p"):
        assert getattr(scores, name) is None, name
    assert scores.missed == ()


def test_below_the_minimum_support_nothing_is_said() -> None:
    scores = score(CANCER, min_support=1001)
    assert scores.accuracy is None
    assert scores.mcc is None
    assert scores.micro.f1 is None
    assert scores.classes[0].recall is None


def test_a_rare_class_that_is_too_small_is_not_dropped_to_look_better() -> None:
    scores = score(CANCER, min_support=20)
    assert scores.accuracy == 0.99
    assert scores.balanced_accuracy is None


def test_who_always_says_the_same_has_no_correlation() -> None:
    scores = score(np.array([[95, 0], [5, 0]]))
    assert scores.mcc is None
    assert scores.kappa == 0
    assert scores.balanced_accuracy == 0.5
    assert scores.lift == 0
    assert scores.missed == (1,)


def test_only_two_classes_have_a_positive_one() -> None:
    assert score(np.eye(3, dtype=np.int64)).positive is None
    assert score(np.array([[5]])).positive is None


@settings(max_examples=40)
@given(matrices(), st.integers(1, 12))
def test_json_carries_everything_and_no_nan(matrix: np.ndarray, min_support: int) -> None:
    labels = [f"class {i}" for i in range(len(matrix))]
    record = score(matrix, min_support).as_json(labels)
    assert orjson.loads(orjson.dumps(record)) == record
    assert [one["label"] for one in record["classes"]] == labels
    derived = {"classes", "positive", "missed", "lift", "macro", "micro", "weighted"}
    assert derived | set(Scores.__slots__) == set(record)
