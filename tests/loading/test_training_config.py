"""What a file says of its model's training, in the forms of every era."""

from typing import Any

import pytest

from service.loading.inspected import Training
from service.loading.training_config import summarise
from tests.loading.handmade import layer


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (
            {"loss": "mse", "metrics": ["acc"], "optimizer_config": layer("RMSprop", lr=0.1)},
            Training("mse", ("acc",), "RMSprop"),
        ),
        (
            {"loss": {"a": "mse", "b": "mae"}, "metrics": {"a": "accuracy"}, "optimizer": "adam"},
            Training("a: mse, b: mae", ("a: accuracy",), "adam"),
        ),
        (
            {"loss": ["mse", "mse"], "metrics": [[layer("MeanMetricWrapper", name="acc", fn="f")]]},
            Training("mse", ("f",), ""),
        ),
        (
            {"loss": {"class_name": "function", "config": "my_loss"}, "metrics": None},
            Training("my_loss"),
        ),
        ({"loss": layer("BinaryCrossentropy", name="b")}, Training("BinaryCrossentropy")),
    ],
)
def test_loss_metrics_and_optimizer_by_name(config: Any, expected: Training) -> None:
    assert summarise(config, False) == expected


@pytest.mark.parametrize(
    "config", [None, [], "text", {}, {"loss": 7, "metrics": 3}, {"loss": [[]]}]
)
def test_odd_configurations_do_no_harm(config: Any) -> None:
    assert isinstance(summarise(config, True), Training)


def test_long_texts_are_cut() -> None:
    assert len(summarise({"loss": "x" * 10_000}, False).loss) == 200
