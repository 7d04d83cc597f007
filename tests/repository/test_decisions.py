"""Decisions: the class, its score and its margin, and for which models there are any."""

import numpy as np
import pytest

from service.base.signature import Signature, TensorSpec
from service.repository.decisions import (
    chooser,
    decide_by_argmax,
    decide_by_threshold,
    decider,
    form_of,
    maker,
    task_of,
)
from service.repository.model_config import ModelConfig


def output(*shape: int | None, activation: str = "") -> Signature:
    spec = TensorSpec("y", "float32", shape, activation=activation)
    return Signature((TensorSpec("x", "float32", (None, 1)),), (spec,))


def test_argmax_takes_the_first_of_equals_and_tells_the_lead() -> None:
    decided = decide_by_argmax(np.array([[0.2, 0.5, 0.3], [0.4, 0.4, 0.2]], "float32"))
    assert decided.class_index.tolist() == [1, 0]
    np.testing.assert_allclose(decided.score, [0.5, 0.4])
    np.testing.assert_allclose(decided.margin, [0.2, 0.0], atol=1e-7)


def test_a_threshold_decides_between_two_labels() -> None:
    decided = decide_by_threshold(np.array([0.3, 0.29, 0.9], "float32"), 0.3)
    assert decided.class_index.tolist() == [1, 0, 1]
    np.testing.assert_allclose(decided.score, [0.3, 0.71, 0.9], rtol=1e-6)
    np.testing.assert_allclose(decided.margin, [-0.4, 0.42, 0.8], rtol=1e-5)
    rows = decided.as_json(("benign", "malignant"))
    assert [row["label"] for row in rows] == ["malignant", "benign", "malignant"]


@pytest.mark.parametrize(
    ("signature", "config", "task"),
    [
        (output(None, 3, activation="softmax"), ModelConfig(), "multiclass"),
        (output(None, 3), ModelConfig(), "regression"),
        (output(None, 3), ModelConfig(labels=("a", "b", "c")), "multiclass"),
        (output(None, 1, activation="sigmoid"), ModelConfig(), "binary"),
        (output(None, 1), ModelConfig(), "regression"),
        (output(None), ModelConfig(labels=("no", "yes")), "binary"),
        (output(None, 3, activation="softmax"), ModelConfig(task="regression"), "regression"),
        (output(None, 3, activation="sigmoid"), ModelConfig(), "multilabel"),
        (output(None, 3, activation="sigmoid"), ModelConfig(labels=("a", "b", "c")), "multilabel"),
        (output(None, 3, activation="sigmoid"), ModelConfig(task="multiclass"), "multiclass"),
        (output(None, 3), ModelConfig(task="multilabel"), "multilabel"),
    ],
)
def test_the_task_follows_from_output_and_configuration(
    signature: Signature, config: ModelConfig, task: str
) -> None:
    assert task_of(config, signature) == task
    assert (decider(config, signature) is not None) is (task in ("binary", "multiclass"))
    assert (chooser(config, signature) is not None) is (task == "multilabel")
    assert (maker(config, signature) is None) is (task == "regression")


def test_each_label_is_decided_by_its_own_threshold() -> None:
    config = ModelConfig(labels=("rain", "snow", "wind"), threshold=0.5, thresholds={"snow": 0.2})
    choose = chooser(config, output(None, 3, activation="sigmoid"))
    assert choose is not None
    made = choose(np.array([[0.5, 0.2, 0.4], [0.1, 0.1, 0.1]], "float32"))
    assert made.chosen.tolist() == [[True, True, False], [False, False, False]]
    both, none = made.as_json(config.labels)
    assert both["class_indices"].tolist() == [0, 1]
    assert both["labels"] == ["rain", "snow"]
    np.testing.assert_allclose(both["scores"], [0.5, 0.2])
    assert (none["class_indices"].tolist(), none["labels"]) == ([], [])
    assert "labels" not in made.as_json(())[0]
    assert form_of(config, output(None, 3, activation="sigmoid")) == ("sets", 3)


def test_no_labels_are_chosen_where_they_are_not_one_vector() -> None:
    config = ModelConfig(task="multilabel")
    for shape in ((None,), (None, 1), (None, None), (None, 4, 3)):
        assert chooser(config, output(*shape)) is None


def test_outputs_that_are_no_scores_of_known_classes_are_answered_without() -> None:
    assert decider(ModelConfig(), output(None, None, 3, activation="softmax")) is None
    assert decider(ModelConfig(task="multiclass"), output(None, None)) is None
    flags = TensorSpec("y", "bool", (None, 3))
    assert decider(ModelConfig(task="multiclass"), Signature((flags,), (flags,))) is None
