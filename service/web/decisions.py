"""From a model's numbers to a decision: the class, its label, how sure, and by how much."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from service.base.signature import Signature, TensorSpec
from service.repository.model_config import ModelConfig

Task = Literal["binary", "multiclass", "regression"]


@dataclass(frozen=True, slots=True)
class Decided:
    """The decisions of a batch: per instance the class, its score, and the lead over the next.

    `classes` are the scores of all, (rows, classes); none where there are two that make 1.
    """

    class_index: np.ndarray
    score: np.ndarray
    classes: np.ndarray | None = None

    @property
    def margin(self) -> np.ndarray:
        """The lead over the second best class; worked out only where it is wanted."""
        if self.classes is None:
            return 2 * self.score - 1
        with np.errstate(invalid="ignore"):  # infinity less infinity is no number
            return self.score - np.partition(self.classes, -2, axis=1)[:, -2]

    def as_json(self, labels: tuple[str, ...]) -> list[dict[str, Any]]:
        """One object an instance, as the answer carries it."""
        rows = zip(self.class_index.tolist(), self.score, self.margin, strict=True)
        if not labels:
            return [{"class_index": i, "score": s, "margin": m} for i, s, m in rows]
        return [{"class_index": i, "label": labels[i], "score": s, "margin": m} for i, s, m in rows]


Decide = Callable[[np.ndarray], Decided]


def task_of(config: ModelConfig, signature: Signature) -> Task:
    """What the model decides: as configured, else by its first output's shape and activation."""
    if config.task is not None:
        return config.task
    output = signature.outputs[0]
    if _is_single(output):
        return "binary" if output.activation == "sigmoid" or config.labels else "regression"
    if len(output.shape) == 2 and (output.activation == "softmax" or config.labels):
        return "multiclass"
    return "regression"


def decider(config: ModelConfig, signature: Signature) -> Decide | None:
    """The function that decides over the first output, or none for regression.

    Outputs of more than two axes or of a free number of classes are answered without.
    """
    output = signature.outputs[0]
    task = task_of(config, signature)
    if task == "regression" or len(output.shape) > 2 or not output.dtype.startswith("float"):
        return None
    if _is_single(output):
        return lambda values: decide_by_threshold(values.reshape(-1), config.threshold)
    return decide_by_argmax if output.shape[1] is not None else None


def decide_by_argmax(values: np.ndarray) -> Decided:
    """The class with the largest of its scores, shape (rows, classes); the first one of equals."""
    index = values.argmax(axis=1)
    return Decided(index, values[np.arange(len(values)), index], values)


def decide_by_threshold(probability: np.ndarray, threshold: float) -> Decided:
    """The second class from the threshold on, shape (rows,); scores are those of the class chosen.

    The margin is the chosen class's probability minus the other's; below a threshold other than
    0.5 it may be negative.
    """
    is_positive = probability >= probability.dtype.type(threshold)
    score = np.where(is_positive, probability, 1 - probability)
    return Decided(is_positive.astype(np.int64), score)


def _is_single(output: TensorSpec) -> bool:
    return len(output.shape) == 1 or (len(output.shape) == 2 and output.shape[1] == 1)
