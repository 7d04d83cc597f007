"""Two versions are compared on the same rows: gains point upwards, McNemar says what they show."""

from dataclasses import replace

import numpy as np
import pytest

from service.quality.compared import compare_evaluations, right_rows
from service.quality.comparison import Finding
from service.quality.store_evaluations import StoredEvaluation


def evaluation(version: int, right: np.ndarray, **metrics: float) -> StoredEvaluation:
    return StoredEvaluation(
        model="m",
        version=version,
        dataset="test",
        data_sha256="d",
        rows=len(right),
        job="j",
        at=0.0,
        scores={},
        metrics=metrics,
        correct=np.packbits(right).tobytes(),
    )


A = evaluation(1, np.arange(100) < 70, accuracy=0.7, loss=0.9, mcc=0.5)
B = evaluation(2, np.arange(100) < 90, accuracy=0.9, loss=0.4)


def test_rows_are_found_again_bit_by_bit() -> None:
    assert right_rows(A).tolist() == [row < 70 for row in range(100)]
    assert right_rows(evaluation(1, np.array([True, False, True]))).tolist() == [True, False, True]


def test_b_is_better_in_either_direction() -> None:
    found = compare_evaluations(A, B)

    assert found.gains == {"accuracy": pytest.approx(0.2), "loss": pytest.approx(0.5)}
    assert found.verdict is not None
    assert found.verdict.finding is Finding.BETTER
    record = found.as_json()
    assert record["metrics"]["loss"] == {"a": 0.9, "b": 0.4, "gain": pytest.approx(0.5)}
    assert record["verdict"]["only_b_right"] == 20


def test_numbers_have_no_verdict() -> None:
    found = compare_evaluations(replace(A, correct=b""), replace(B, correct=b""))
    assert found.verdict is None
    assert found.as_json()["verdict"] is None


def test_other_rows_tell_nothing() -> None:
    with pytest.raises(ValueError, match="different rows"):
        compare_evaluations(A, replace(B, data_sha256="other"))
