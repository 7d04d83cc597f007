"""From a model's numbers to a decision: the class, its label, how sure, and by how much.

Where several labels may hold of one instance, each is decided for by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import numpy as np

from service.base.signature import Signature, TensorSpec
from service.repository.model_config import ModelConfig

Task = Literal["binary", "multiclass", "multilabel", "regression"]
Form = Literal["classes", "sets", "values", "nothing"]


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


@dataclass(frozen=True, slots=True)
class Chosen:
    """The decisions of a batch whose instances may have several labels, or none.

    `chosen` says which, as bool (rows, labels); `scores` are the numbers of all labels.
    """

    chosen: np.ndarray
    scores: np.ndarray

    def as_json(self, labels: tuple[str, ...]) -> list[dict[str, Any]]:
        """One object an instance, with what was chosen for it in the labels' order."""
        return [
            {
                "class_indices": (indices := np.flatnonzero(chosen)),
                **({"labels": [labels[index] for index in indices]} if labels else {}),
                "scores": scores[chosen],
            }
            for chosen, scores in zip(self.chosen, self.scores, strict=True)
        ]


Decisions = Decided | Chosen
Decide = Callable[[np.ndarray], Decided]
Choose = Callable[[np.ndarray], Chosen]


def task_of(config: ModelConfig, signature: Signature) -> Task:
    """What the model decides: as configured, else by its first output's shape and activation."""
    if config.task is not None:
        return config.task
    output = signature.outputs[0]
    if _is_single(output):
        return "binary" if output.activation == "sigmoid" or config.labels else "regression"
    if len(output.shape) == 2 and output.activation == "sigmoid":  # none excludes another one
        return "multilabel"
    if len(output.shape) == 2 and (output.activation == "softmax" or config.labels):
        return "multiclass"
    return "regression"


def decider(config: ModelConfig, signature: Signature) -> Decide | None:
    """The function that decides for one class by the first output; none where there isn't one.

    Outputs of more than two axes or of a free number of classes are answered without.
    """
    output = signature.outputs[0]
    if task_of(config, signature) not in ("binary", "multiclass") or not _is_flat(output):
        return None
    if _is_single(output):
        return lambda values: decide_by_threshold(values.reshape(-1), config.threshold)
    return decide_by_argmax if output.shape[1] is not None else None


def chooser(config: ModelConfig, signature: Signature) -> Choose | None:
    """The function that decides for each label by itself; none where a model has one task alone."""
    output = signature.outputs[0]
    if task_of(config, signature) != "multilabel" or not _is_flat(output) or _is_single(output):
        return None
    width = output.shape[1]
    if width is None:
        return None
    thresholds = np.array(config.thresholds_of(width), output.numpy_dtype)
    return lambda values: Chosen(values >= thresholds, values)


def maker(config: ModelConfig, signature: Signature) -> Callable[[np.ndarray], Decisions] | None:
    """The function that makes a model's decisions, of whichever kind; none where it has none."""
    return decider(config, signature) or chooser(config, signature)


def form_of(config: ModelConfig, signature: Signature) -> tuple[Form, int]:
    """What a true label is compared with, and how wide a row of that is.

    The decided class among `width` if there is one; else `width` labels that are on or off, or as
    many numbers.
    """
    output = signature.outputs[0]
    if decider(config, signature) is not None:
        return "classes", max(2, 1 if len(output.shape) == 1 else output.shape[1] or 0)
    sizes = output.item_shape
    width = 0 if None in sizes else prod(size or 0 for size in sizes)
    if not width or not output.dtype.startswith(("float", "int", "uint")):
        return "nothing", 0
    if chooser(config, signature) is not None:
        return "sets", width
    if config.task == "regression" or output.activation not in ("sigmoid", "softmax"):
        return "values", width
    return "nothing", 0


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


def _is_flat(output: TensorSpec) -> bool:
    """Whether each row is one vector of floats, or one of them."""
    return len(output.shape) <= 2 and output.dtype.startswith("float")


def _is_single(output: TensorSpec) -> bool:
    return len(output.shape) == 1 or (len(output.shape) == 2 and output.shape[1] == 1)
