"""A new head is held against the model.yaml under which it would be asked, and served."""

from typing import Any

import numpy as np
import pytest

from service.base.signature import Signature, TensorSpec
from service.recipe.init import ReplaceHead
from service.repository.model_config import ModelConfig
from service.repository.new_head import why_not_learned, why_not_served
from service.training.judging.answers import evaluate_answers, question_of
from service.training.model.new_task import asked_of, config_under

INPUT = TensorSpec("x", "float32", (None, 2))


def signature(width: int, activation: str) -> Signature:
    return Signature((INPUT,), (TensorSpec("y", "float32", (None, width), activation=activation),))


def head(classes: int, *labels: str) -> ReplaceHead:
    return ReplaceHead(classes=classes, labels=labels)


@pytest.mark.parametrize(
    ("new", "config", "words"),
    [
        (head(2, "dog", "cat"), {"labels": ["cat", "dog"]}, "calls class 0 'cat', the new head 'd"),
        (head(3), {"labels": ["cat", "dog"]}, "has 2 labels, the new head 3 classes"),
        (head(3), {"task": "regression"}, "says task regression, the new head tells 3 classes"),
        (head(2), {"task": "multilabel"}, "says task multilabel"),
        (head(3), {"task": "binary"}, "says task binary, the new head tells 3 classes"),
        (head(2, "cat", "dog"), {"labels": ["cat", "dog"], "task": "binary"}, ""),
        (head(2), {"labels": ["cat", "dog"]}, ""),
        (head(3, "a", "b", "c"), {"task": "multiclass"}, ""),
    ],
)
def test_no_version_is_served_by_the_names_of_other_classes(
    new: ReplaceHead, config: dict[str, Any], words: str
) -> None:
    found = why_not_served(new, ModelConfig.model_validate(config))

    assert words in found
    assert bool(words) == bool(found)


def test_labels_of_feedback_are_classes_of_the_old_head() -> None:
    config = ModelConfig(labels=("cat", "dog"))

    assert "of which 0 is 'cat', for the new head 'dog'" in why_not_learned(
        head(2, "dog", "cat"), config
    )
    assert not why_not_learned(head(3, "cat", "dog", "elk"), config)
    assert not why_not_learned(head(2), config)


@pytest.mark.parametrize("task", ["regression", "multilabel", None])
@pytest.mark.parametrize(("classes", "activation"), [(2, "sigmoid"), (3, "softmax")])
def test_a_candidate_is_judged_by_its_own_task(task: Any, classes: int, activation: str) -> None:
    config = config_under(head(classes), ModelConfig(task=task))
    question = question_of(config, signature(1 if classes == 2 else 3, activation), "m")
    truth = np.arange(12) % classes
    outputs = np.eye(3, dtype=np.float32)[truth]

    found = evaluate_answers(question, truth, outputs[:, 1:2] if classes == 2 else outputs, None)

    before = question_of(ModelConfig(), signature(5, ""), "m")
    asked = asked_of(head(classes), before)
    assert (asked.form, asked.width) == (question.form, question.width) == ("classes", classes)
    assert found.metrics["accuracy"] == 1


def test_versions_that_call_classes_otherwise_are_not_compared() -> None:
    softmax = signature(2, "softmax")
    ours = question_of(ModelConfig(labels=("cat", "dog")), softmax, "m")

    assert not ours.is_same(question_of(ModelConfig(labels=("dog", "cat")), softmax, "m"))
    assert ours.is_same(question_of(ModelConfig(), softmax, "m"))
