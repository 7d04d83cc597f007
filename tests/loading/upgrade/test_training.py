"""Training configurations whose names Keras 3 knows."""

import copy
from typing import Any

import pytest

from service.loading.upgrade.training import upgrade_training


def test_arguments_of_optimizers_are_renamed_and_the_original_is_kept() -> None:
    settings = {"lr": 0.01, "decay": 1e-6, "momentum": 0.9, "name": "SGD"}
    config = {"optimizer_config": {"class_name": "SGD", "config": settings}}
    before = copy.deepcopy(config)

    mended = upgrade_training(config)

    expected = {"learning_rate": 0.01, "momentum": 0.9, "name": "SGD"}
    assert mended == {"optimizer_config": {"class_name": "SGD", "config": expected}}
    assert config == before


def test_a_rate_that_is_there_already_stays() -> None:
    config = {"optimizer": {"config": {"lr": 1, "learning_rate": 2, "jit_compile": True}}}

    assert upgrade_training(config) == {"optimizer": {"config": {"learning_rate": 2}}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("cosine_proximity", "cosine_similarity"),
        (["mse", "cosine"], ["mse", "cosine_similarity"]),
        ({"a": "cosine_proximity"}, {"a": "cosine_similarity"}),
        ({"class_name": "CosineProximity", "config": {}},
         {"class_name": "CosineSimilarity", "config": {}}),
        ("own_loss", "own_loss"),
        (None, None),
    ],
)  # fmt: skip
def test_losses_and_metrics_have_their_names_of_now(value: Any, expected: Any) -> None:
    config = {"loss": value, "metrics": value, "sample_weight_mode": None}

    mended = upgrade_training(config)

    assert mended == {"loss": expected, "metrics": expected, "sample_weight_mode": None}


@pytest.mark.parametrize("config", [{}, {"optimizer_config": None}, {"optimizer": "adam"}])
def test_what_says_nothing_is_left_alone(config: Any) -> None:
    assert upgrade_training(config) == config
