"""What a version's answers to labelled rows are worth, in the form in which it answers."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from service.base.refusals import TrainingRefused
from service.base.signature import Signature
from service.quality.evaluation import (
    Evaluated,
    evaluate_classes,
    evaluate_sets,
    evaluate_values,
)
from service.quality.keras_losses import Loss, mean_loss
from service.repository.decisions import Chosen, Decisions, form_of, maker
from service.repository.model_config import ModelConfig

LOSS_OF = {"classes": "categorical_crossentropy", "values": "mean_squared_error"}


@dataclass(frozen=True, slots=True)
class Question:
    """What a version answers: `form` is classes, sets or values, `width` how many of these.

    With `is_single` there is one number a row, from which two classes are told apart. With
    `are_logits` the numbers are known to be none that a sigmoid or softmax has made shares of.
    """

    form: str
    width: int
    is_single: bool
    labels: tuple[str, ...]
    decide: Callable[[np.ndarray], Decisions] | None
    are_logits: bool = False

    @property
    def class_names(self) -> tuple[str, ...]:
        """What classes are called: by label, or by index; none for numbers."""
        if self.form == "values":
            return ()
        return self.labels or tuple(str(index) for index in range(self.width))

    def is_same(self, other: "Question") -> bool:
        """Whether two versions may be compared: in form and width, and names if both have some."""
        are_named = self.labels and other.labels
        is_alike = (self.form, self.width) == (other.form, other.width)
        return is_alike and (not are_named or self.labels == other.labels)


def question_of(config: ModelConfig, signature: Signature, name: str) -> Question:
    """What a version with this signature answers under a model.yaml.

    Raises TrainingRefused where no label can be compared with it; `name` stands in the message.
    """
    form, width = form_of(config, signature)
    output = signature.outputs[0]
    if form == "nothing":
        raise TrainingRefused(
            name, f"no label can be compared with its output of shape {list(output.shape)}"
        )
    labels = config.labels if form != "values" and len(config.labels) == width else ()
    is_single = len(output.shape) == 1 or output.shape[1:] == (1,)
    are_logits = form != "values" and output.activation == "linear"
    return Question(form, width, is_single, labels, maker(config, signature), are_logits)


def evaluate_answers(
    question: Question, truth: np.ndarray, outputs: np.ndarray, loss: Loss | None
) -> Evaluated:
    """All scores of the answers to rows whose truth is known, and the loss if there is one."""
    found = _evaluate(question, truth, outputs)
    value = None if loss is None else mean_loss(loss, truth, outputs)
    if value is None:
        return found
    return replace(
        found, scores={"loss": value, **found.scores}, metrics={"loss": value, **found.metrics}
    )


def loss_by_form(question: Question) -> Loss:
    """The loss that goes with a form of answers, where nobody says which it is."""
    if question.form == "sets" or (question.form == "classes" and question.is_single):
        return Loss("binary_crossentropy", question.are_logits)
    return Loss(LOSS_OF[question.form], question.are_logits)


def _evaluate(question: Question, truth: np.ndarray, outputs: np.ndarray) -> Evaluated:
    rows = len(outputs)
    if question.form == "values":
        width = question.width
        return evaluate_values(truth.reshape(rows, width), outputs.reshape(rows, width))
    assert question.decide is not None
    values = outputs.reshape(rows) if question.is_single else outputs
    decided = question.decide(values)
    if isinstance(decided, Chosen):
        return evaluate_sets(truth, decided.chosen, values, question.labels)
    return evaluate_classes(truth, decided.class_index, values, question.labels)
