"""What a model is compiled with: the request's, else the file's, else its task's."""

from typing import Any

import pytest

from service.recipe.compiling import Compile, Named
from service.training.model.compiled_as import CompiledAs, decide
from service.training.model.label_form import Labels
from service.training.model.told_by_file import Told

BINARY = Labels("binary", 1, "sigmoid")
MULTICLASS = Labels("multiclass", 3, "softmax")
MULTILABEL = Labels("multilabel", 3, "sigmoid")
REGRESSION = Labels("regression", 1, "linear")
CROSSENTROPY = Named(class_name="CategoricalCrossentropy")
SPARSE = "SparseCategoricalCrossentropy"


def _decide(labels: Labels, asked: Any = None, told: Told | None = None) -> CompiledAs:
    decided = decide(
        Compile.model_validate(asked or {}), told or Told(), labels, {"mine"}.__contains__
    )
    assert isinstance(decided, CompiledAs)
    return decided


@pytest.mark.parametrize(
    ("labels", "loss", "metric"),
    [
        (BINARY, "BinaryCrossentropy", "accuracy"),
        (MULTICLASS, SPARSE, "accuracy"),
        (MULTILABEL, "BinaryCrossentropy", "BinaryAccuracy"),
        (REGRESSION, "MeanSquaredError", "MeanAbsoluteError"),
    ],
    ids=["binary", "multiclass", "multilabel", "regression"],
)
def test_goes_by_the_task_where_nothing_is_said(labels: Labels, loss: str, metric: str) -> None:
    decided = _decide(labels)

    assert (decided.loss.class_name, decided.loss_from) == (loss, "task")
    assert [named.class_name for named in decided.metrics] == [metric]
    assert (decided.optimizer.class_name, decided.optimizer_from) == ("RMSprop", "default")
    assert not decided.is_one_hot


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_logits_are_taken_for_what_they_are(kind: Any) -> None:
    decided = _decide(Labels(kind, 1 if kind == "binary" else 4, "linear"))

    assert decided.loss.config == {"from_logits": True}


@pytest.mark.parametrize("activation", ["", "hard_sigmoid"])
def test_what_may_be_probabilities_is_taken_for_them(activation: str) -> None:
    decided = _decide(Labels("binary", 1, activation))

    assert decided.loss.config == {}
    assert decided.metrics == (Named(class_name="accuracy"),)


def test_accuracy_is_named_where_there_is_no_axis_that_keras_tells_it_by() -> None:
    flat = Labels("binary", 1, "sigmoid", is_flat=True)

    decided = _decide(flat, {"metrics": ["acc", "AUC"]})

    named = [(each.class_name, each.config["name"]) for each in decided.metrics]
    assert named == [("BinaryAccuracy", "accuracy"), ("AUC", "auc")]


def test_the_request_goes_before_the_file() -> None:
    told = Told(Named(class_name="SGD"), CROSSENTROPY, (Named(class_name="AUC"),))
    asked = {"optimizer": "adamw", "loss": "sparse_categorical_crossentropy", "metrics": ["acc"]}

    decided = _decide(MULTICLASS, asked, told)

    assert decided.optimizer.class_name == "AdamW"
    assert decided.loss.class_name == SPARSE
    assert decided.metrics == (Named(class_name="accuracy"),)
    assert {decided.optimizer_from, decided.loss_from, decided.metrics_from} == {"request"}
    assert not decided.is_own_optimizer


def test_the_file_s_own_loss_wants_one_hot_labels() -> None:
    decided = _decide(MULTICLASS, told=Told(loss=CROSSENTROPY))

    assert (decided.loss, decided.loss_from, decided.is_one_hot) == (CROSSENTROPY, "file", True)


def test_a_metric_of_one_hot_labels_turns_the_loss_into_its_like() -> None:
    asked = {
        "loss": {"name": SPARSE, "from_logits": True},
        "metrics": ["AUC", "sparse_categorical_accuracy"],
    }

    decided = _decide(MULTICLASS, asked)

    assert decided.is_one_hot
    assert decided.loss == Named(class_name="CategoricalCrossentropy", config={"from_logits": True})
    assert [(m.class_name, m.config["name"]) for m in decided.metrics] == [
        ("AUC", "auc"),
        ("CategoricalAccuracy", "sparse_categorical_accuracy"),
    ]
    assert decided.notes == (
        "labels are one-hot, as AUC wants them: CategoricalCrossentropy",
    )  # fmt: skip


def test_a_learning_rate_goes_over_the_file_s_optimizer() -> None:
    told = Told(Named(class_name="SGD", config={"learning_rate": 0.5, "momentum": 0.9}))

    decided = _decide(MULTICLASS, {"learning_rate": 0.1}, told)

    assert decided.optimizer.config == {"learning_rate": 0.1, "momentum": 0.9}
    assert (decided.optimizer_from, decided.is_own_optimizer) == ("file", True)


def test_leaves_out_what_the_file_names_and_nobody_has() -> None:
    told = Told(
        Named(class_name="RAdam"),
        Named(class_name="theirs"),
        (Named(class_name="f1"), Named(class_name="mine")),
    )

    decided = _decide(BINARY, told=told)

    assert decided.optimizer.class_name == "RMSprop"
    assert decided.loss.class_name == "BinaryCrossentropy"
    assert decided.metrics == (Named(class_name="mine"),)
    assert decided.notes == (
        "the file's loss theirs is none of Keras' and isn't registered",
        "the file's metric f1 is none of Keras' and isn't registered",
        "the file's optimizer RAdam is none of Keras 3",
    )


def test_a_loss_of_the_file_that_does_not_fit_gives_way() -> None:
    decided = _decide(BINARY, told=Told(loss=CROSSENTROPY))

    assert decided.loss_from == "task"
    assert decided.notes == (
        "the file's loss CategoricalCrossentropy is for several classes, the model has one output",
    )


@pytest.mark.parametrize(
    ("labels", "asked", "told"),
    [
        (BINARY, "categorical_crossentropy", "is for several classes, the model has one output"),
        (REGRESSION, SPARSE, "is for class indices, the labels are those of a regression task"),
    ],
    ids=["binary", "regression"],
)
def test_a_loss_of_the_request_that_does_not_fit_is_refused(
    labels: Labels, asked: str, told: str
) -> None:
    decided = decide(Compile.model_validate({"loss": asked}), Told(), labels, set().__contains__)

    assert isinstance(decided, str)
    assert decided.endswith(told)


@pytest.mark.parametrize(
    "metric", ["categorical_accuracy", "TopKCategoricalAccuracy", "sparse_categorical_accuracy"]
)
def test_a_metric_of_the_request_that_would_be_perfect_whatever_is_answered_is_refused(
    metric: str,
) -> None:
    asked = Compile.model_validate({"metrics": ["accuracy", metric]})

    decided = decide(asked, Told(), BINARY, set().__contains__)

    assert isinstance(decided, str)
    assert decided.startswith("the metric ")
    assert decided.endswith(" is for several classes, the model has one output")
