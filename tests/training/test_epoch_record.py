"""What is known of epochs: as JSON has it, which was best, and how long the rest will take."""

import pytest

from service.training.fit.epoch_record import EpochRecord, finite, least, seconds_left


def record(epoch: int, duration_s: float = 2.0, **metrics: float | None) -> EpochRecord:
    return EpochRecord(epoch, metrics, 0.01, duration_s)


def test_a_record_survives_json() -> None:
    one = record(3, loss=0.5, val_loss=None)

    assert EpochRecord.from_json(one.as_json()) == one


def test_what_is_no_finite_number_is_none() -> None:
    assert finite({"loss": float("nan"), "accuracy": 0.5, "mae": float("inf")}) == {
        "loss": None, "accuracy": 0.5, "mae": None,
    }  # fmt: skip


def test_the_best_epoch_has_the_least_validation_loss() -> None:
    history = [record(1, loss=3, val_loss=0.4), record(2, loss=2, val_loss=0.3), record(3, loss=1)]

    assert least(history) == 2
    assert least([record(1, loss=2), record(2, loss=1)]) == 2
    assert least([record(1, loss=None)]) == 1
    assert least([]) == 0


def test_the_rest_takes_as_long_as_the_last_epochs_did() -> None:
    history = [record(1, 60.0), *(record(epoch, 2.0) for epoch in range(2, 7))]

    assert seconds_left(history, 10, 0.0, 0.0) == pytest.approx(8.0)
    assert seconds_left(history, 10, 1.0, 0.5) == pytest.approx(7.0)


def test_the_first_epoch_tells_by_how_much_of_it_is_done() -> None:
    assert seconds_left([], 10, 5.0, 0.25) == pytest.approx(9.75 * 20)
    assert seconds_left([], 10, 5.0, 0.0) == 0.0
