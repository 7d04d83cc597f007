"""Everything that answers to labelled rows tell, against scikit-learn, broken answers included."""

import numpy as np
import pytest
from sklearn import metrics as oracle

from service.quality.evaluation import (
    MAX_CLASSES,
    Evaluated,
    evaluate_classes,
    evaluate_sets,
    evaluate_values,
)

ROWS = 400


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def softmax(values: np.ndarray) -> np.ndarray:
    shares = np.exp(values)
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def test_classes_have_all_scores(rng: np.random.Generator) -> None:
    true = rng.integers(0, 3, ROWS)
    values = softmax(rng.normal(size=(ROWS, 3)) + 1.5 * np.eye(3)[true])
    said = values.argmax(axis=1)

    found = evaluate_classes(true, said, values, ("ant", "bee", "cat"))

    assert found.metrics["accuracy"] == oracle.accuracy_score(true, said)
    assert found.metrics["macro_f1"] == pytest.approx(oracle.f1_score(true, said, average="macro"))
    assert found.metrics["mcc"] == pytest.approx(oracle.matthews_corrcoef(true, said))
    assert found.metrics["log_loss"] == pytest.approx(oracle.log_loss(true, values))
    assert found.metrics["roc_auc"] == pytest.approx(
        oracle.roc_auc_score(true, values, multi_class="ovr")
    )
    assert 0 <= found.metrics["ece"] <= 1
    assert found.confusion is not None
    assert found.confusion.tolist() == oracle.confusion_matrix(true, said).tolist()
    assert found.correct is not None
    assert found.correct.tolist() == (true == said).tolist()
    recalls = oracle.recall_score(true, said, average=None)
    for index, recall in enumerate(recalls):
        told, support = found.recalls()[("ant", "bee", "cat")[index]]
        assert told == pytest.approx(recall)
        assert support == (true == index).sum()
    assert "precision" not in found.metrics  # none of three is the one that is looked for


def test_one_score_tells_two_classes_apart(rng: np.random.Generator) -> None:
    true = rng.integers(0, 2, ROWS)
    values = np.clip(0.5 + 0.25 * (2 * true - 1) + rng.normal(0, 0.25, ROWS), 0.01, 0.99)
    said = (values >= 0.3).astype(np.int64)

    found = evaluate_classes(true, said, values)

    assert found.metrics["precision"] == pytest.approx(oracle.precision_score(true, said))
    assert found.metrics["recall"] == pytest.approx(oracle.recall_score(true, said))
    assert found.metrics["pr_auc"] == pytest.approx(oracle.average_precision_score(true, values))
    assert found.metrics["brier"] == pytest.approx(oracle.brier_score_loss(true, values))
    assert set(found.recalls()) == {"0", "1"}
    assert found.scores["calibration"]["bins"]


def test_answers_that_are_no_numbers_are_wrong_ones(rng: np.random.Generator) -> None:
    true = np.zeros(10, np.int64)
    values = np.tile(np.array([0.9, 0.1], np.float32), (10, 1))
    values[3:5] = np.nan

    found = evaluate_classes(true, values.argmax(axis=1), values)

    assert found.scores["non_finite"] == found.metrics["non_finite"] == 2
    assert found.metrics["accuracy"] == 0.8
    assert "log_loss" not in found.metrics


def test_very_many_classes_have_no_matrix() -> None:
    true = np.arange(4) % (MAX_CLASSES + 1)
    values = np.eye(MAX_CLASSES + 1, dtype=np.float32)[[0, 1, 2, 0]]

    found = evaluate_classes(true, values.argmax(axis=1), values)

    assert found.confusion is None
    assert found.metrics["accuracy"] == 0.75
    assert found.recalls() == {}


def test_logits_have_no_calibration(rng: np.random.Generator) -> None:
    true = rng.integers(0, 2, ROWS)
    logits = rng.normal(size=(ROWS, 2)) * 5
    found = evaluate_classes(true, logits.argmax(axis=1), logits)
    assert "ece" not in found.metrics
    assert "roc_auc" in found.metrics


def test_numbers_have_errors(rng: np.random.Generator) -> None:
    true = rng.normal(size=(ROWS, 2))
    said = true + rng.normal(0, 0.1, (ROWS, 2))
    said[0, 0] = np.inf

    found = evaluate_values(true, said)

    rest = np.isfinite(said.reshape(-1))
    error = (said - true).reshape(-1)[rest]
    assert found.metrics["mae"] == pytest.approx(np.abs(error).mean())
    assert found.metrics["rmse"] == pytest.approx(np.sqrt((error**2).mean()))
    assert found.metrics["non_finite"] == 1
    assert found.rows == ROWS
    assert found.correct is None


def test_sets_of_labels_are_scored_label_by_label(rng: np.random.Generator) -> None:
    true = (rng.random((ROWS, 4)) < 0.4).astype(np.float32)
    values = np.clip(0.5 + 0.3 * (2 * true - 1) + rng.normal(0, 0.3, (ROWS, 4)), 0, 1)
    said = values >= 0.6

    found = evaluate_sets(true, said, values, ("a", "b", "c", "d"))

    assert found.metrics["macro_f1"] == pytest.approx(oracle.f1_score(true, said, average="macro"))
    assert found.metrics["hamming_loss"] == pytest.approx(oracle.hamming_loss(true, said))
    assert found.metrics["subset_accuracy"] == pytest.approx(oracle.accuracy_score(true, said))
    assert set(found.recalls()) == {"a", "b", "c", "d"}
    assert found.correct is not None
    assert int(found.correct.sum()) == round(found.metrics["subset_accuracy"] * ROWS)


def test_a_set_of_no_numbers_is_wrong_in_every_label() -> None:
    true = np.array([[1, 0], [1, 0]], np.float32)
    values = np.array([[0.9, 0.1], [np.nan, 0.1]], np.float32)

    found = evaluate_sets(true, values >= 0.5, values)

    assert found.metrics["subset_accuracy"] == 0.5
    assert found.metrics["hamming_loss"] == 0.5
    assert found.metrics["non_finite"] == 1


@pytest.mark.parametrize(
    "found",
    [
        evaluate_classes(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 3))),
        evaluate_values(np.zeros((0, 1)), np.zeros((0, 1))),
        evaluate_sets(np.zeros((0, 2)), np.zeros((0, 2), bool), np.zeros((0, 2))),
    ],
    ids=["classes", "values", "sets"],
)
def test_no_rows_have_no_scores(found: Evaluated) -> None:
    assert found.rows == 0
    assert set(found.metrics) <= {"non_finite"}
