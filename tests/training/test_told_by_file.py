"""Training configurations of every era, in the names that a recipe has."""

from typing import Any

import pytest

from service.recipe.compiling import Named
from service.training.model.told_by_file import Told, told_by

KERAS_1_ADAM = {"class_name": "Adam", "config": {"lr": 0.002, "beta_1": 0.8, "decay": 0.0}}
WRITTEN_OUT = {
    "class_name": "MeanMetricWrapper",
    "config": {"name": "accuracy", "dtype": "float32", "fn": "categorical_accuracy"},
}


def test_a_file_that_is_silent_says_nothing() -> None:
    assert told_by({}) == Told()


def test_keras_1_and_2() -> None:
    told = told_by(
        {
            "optimizer_config": KERAS_1_ADAM,
            "loss": "cosine_proximity",
            "metrics": ["acc", "mae"],
            "sample_weight_mode": None,
        }
    )

    assert told.optimizer == Named(
        class_name="Adam", config={"learning_rate": 0.002, "beta_1": 0.8}
    )
    assert told.loss == Named(class_name="CosineSimilarity")
    assert told.metrics == (Named(class_name="accuracy"), Named(class_name="MeanAbsoluteError"))
    assert told.notes == ()


def test_tf_keras_wrote_classes_out() -> None:
    told = told_by(
        {
            "optimizer_config": {
                "class_name": "Custom>Adam",
                "config": {"learning_rate": 0.001, "jit_compile": True, "clipnorm": None},
            },
            "loss": {
                "class_name": "CategoricalCrossentropy",
                "config": {
                    "reduction": "auto", "from_logits": True, "label_smoothing": 0.1,
                    "fn": "categorical_crossentropy",
                },
            },
            "metrics": [[WRITTEN_OUT, {"class_name": "AUC", "config": {"name": "roc"}}]],
        }
    )  # fmt: skip

    assert told.optimizer == Named(class_name="Adam", config={"learning_rate": 0.001})
    assert told.loss == Named(
        class_name="CategoricalCrossentropy", config={"from_logits": True, "label_smoothing": 0.1}
    )
    assert told.metrics == (
        Named(class_name="accuracy"), Named(class_name="AUC", config={"name": "roc"}),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("reduction", "kept", "noted"),
    [
        ("auto", {}, False),
        ("sum_over_batch_size", {}, False),
        ("sum", {"reduction": "sum"}, False),
        ("mean", {"reduction": "mean"}, False),
        ("none", {}, True),
        (None, {}, True),
        (["sum"], {}, True),
    ],
    ids=str,
)
def test_a_reduction_is_kept_or_said_to_be_left_out(
    reduction: Any, kept: dict[str, Any], noted: bool
) -> None:
    config = {"reduction": reduction, "delta": 2.0}
    told = told_by({"loss": {"class_name": "Huber", "config": config}})

    assert told.loss == Named(class_name="Huber", config={"delta": 2.0, **kept})
    assert ["reduction" in note for note in told.notes] == [True] * noted


def test_keras_3() -> None:
    told = told_by(
        {
            "optimizer": {
                "module": "keras.optimizers",
                "class_name": "SGD",
                "config": {"name": "sgd", "learning_rate": 0.01, "momentum": 0.9},
                "registered_name": None,
            },
            "loss": {"dense": {"module": "builtins", "class_name": "function", "config": "mse"}},
            "metrics": {"dense": ["accuracy"]},
        }
    )

    assert told.optimizer == Named(
        class_name="SGD", config={"momentum": 0.9, "learning_rate": 0.01}
    )
    assert told.loss == Named(class_name="MeanSquaredError")
    assert told.metrics == (Named(class_name="accuracy"),)


@pytest.mark.parametrize(
    ("schedule", "first"),
    [
        ({"class_name": "CosineDecay", "config": {"initial_learning_rate": 0.5}}, 0.5),
        ({"class_name": "PiecewiseConstantDecay", "config": {"values": [0.1, 0.01]}}, 0.1),
        ({"class_name": "Mine", "config": {}}, None),
    ],
    ids=["initial", "first", "unknown"],
)
def test_of_a_schedule_stays_what_it_begins_with(
    schedule: dict[str, Any], first: float | None
) -> None:
    told = told_by({"optimizer": {"class_name": "Adam", "config": {"learning_rate": schedule}}})

    assert told.optimizer is not None
    assert told.optimizer.config.get("learning_rate") == first
    assert "a LearningRateScheduler does the same" in told.notes[0]


def test_says_that_decay_is_left_out() -> None:
    config = {"lr": 0.1, "decay": 1e-6}

    told = told_by({"optimizer_config": {"class_name": "SGD", "config": config}})

    assert told.notes == (
        "its optimizer's decay of 1e-06 is left out; a LearningRateScheduler does the same",
    )


def test_names_what_is_not_of_keras_as_the_file_does() -> None:
    told = told_by(
        {
            "optimizer": {"class_name": "RAdam", "config": {"lr": 1}},
            "loss": {"class_name": "function", "config": "mine>focal_tversky"},
            "metrics": ["f1"],
        }
    )

    assert told.optimizer == Named(class_name="RAdam")
    assert told.loss == Named(class_name="focal_tversky")
    assert told.metrics == (Named(class_name="f1"),)


@pytest.mark.parametrize(
    "config",
    [
        {"optimizer": 3, "loss": 4, "metrics": 5},
        {"optimizer": [], "loss": [None], "metrics": [[[]]]},
        {"optimizer": {"class_name": {}}, "loss": {"class_name": []}, "metrics": {"a": {"b": {}}}},
        {"optimizer": {"class_name": "Adam", "config": []}, "loss": ["mse", "mae"]},
        {"optimizer": {"class_name": "Adam", "config": {"learning_rate": float("nan")}}},
    ],
    ids=["numbers", "lists", "objects", "two losses", "nan"],
)
def test_odd_configurations_say_less(config: dict[str, Any]) -> None:
    told = told_by(config)

    assert told.loss is None
    assert told.optimizer in (None, Named(class_name="Adam"))
