"""What the labels of a training are, which losses understand them, and how they go into Keras."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from service.recipe.compiling import Named

Kind = Literal["binary", "multiclass", "multilabel", "regression"]
# Made for exactly one class of several; with one output they are always right, or always 0.
OF_MANY_CLASSES = frozenset(
    """
    CategoricalAccuracy CategoricalCrossentropy CategoricalFocalCrossentropy CategoricalHinge
    CategoricalGeneralizedCrossEntropy SparseCategoricalAccuracy SparseCategoricalCrossentropy
    SparseTopKCategoricalAccuracy TopKCategoricalAccuracy
    """.split()
)
OF_INDICES = frozenset(name for name in OF_MANY_CLASSES if name.startswith("Sparse"))
# What Keras makes of these for two classes; it tells them by an axis of one output.
OF_TWO_CLASSES = {"accuracy": "BinaryAccuracy", "crossentropy": "BinaryCrossentropy"}


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of one kind for a model with `width` outputs, whose last activation is named; with
    `is_flat` its answers have no axis for the outputs.
    """

    kind: Kind
    width: int
    activation: str
    is_flat: bool = False

    @property
    def are_classes_of_many(self) -> bool:
        """True for class indices of a model that has an output a class."""
        return self.kind == "multiclass"

    def misfit(self, class_name: str) -> str:
        """Why a loss or metric can't be had with these labels; empty if it can."""
        if self.kind == "binary" and class_name in OF_MANY_CLASSES:
            return "is for several classes, the model has one output"
        if self.kind in ("multilabel", "regression") and class_name in OF_INDICES:
            return f"is for class indices, the labels are those of a {self.kind} task"
        return ""

    def loss(self) -> Named:
        """The loss of the task."""
        if self.kind == "regression":
            return Named(class_name="MeanSquaredError")
        is_many = self.kind == "multiclass"
        name = "SparseCategoricalCrossentropy" if is_many else "BinaryCrossentropy"
        return Named(class_name=name, config={"from_logits": True} if self._are_logits else {})

    def metrics(self) -> tuple[Named, ...]:
        """The metrics of the task."""
        if self.kind == "regression":
            return (Named(class_name="MeanAbsoluteError"),)
        if self.kind != "multiclass" and self._are_logits:
            config = {"threshold": 0.0, "name": "accuracy"}
            return (Named(class_name="BinaryAccuracy", config=config),)
        if self.kind == "multilabel":
            return (Named(class_name="BinaryAccuracy"),)
        return (Named(class_name="accuracy"),)

    def spelt_out(self, metric: Named) -> Named:
        """The metric by its class where Keras, which chooses it by the axes, would err."""
        name = OF_TWO_CLASSES.get(metric.class_name) if self.kind == "binary" else None
        if name is None or not self.is_flat:
            return metric
        return Named(class_name=name, config={"name": metric.class_name})

    @property
    def _are_logits(self) -> bool:
        """As the gate has it: numbers of which nothing is known are probabilities."""
        return self.activation == "linear"


def kind_of(labels: np.ndarray, are_classes: bool, width: int) -> Kind:
    """The kind of labels of a model with `width` outputs."""
    if not are_classes:
        return "regression"
    if labels.ndim > 1 and width > 1 and labels.shape[-1] == width:
        return "multilabel"
    return "multiclass" if width > 1 else "binary"


def why_not_for(labels: np.ndarray, kind: Kind, output: Sequence[int | None]) -> str:
    """Why a model with an output of this shape can't learn such labels; empty if it can."""
    classes = output[-1] or 0
    if kind == "regression" and len(output) > 2 and classes != 1:
        return f"its output has {len(output) - 1} axes for a row; one row of numbers is learned"
    wanted = output[1:-1] if kind in ("binary", "multiclass") else output[1:]
    shapes = {tuple(wanted), tuple(output[1:-1]) if classes == 1 else tuple(wanted)}
    if kind == "binary":
        shapes.add(tuple(output[1:]))
    if not any(_is_like(labels.shape[1:], shape) for shape in shapes):
        told = " x ".join("?" if axis is None else str(axis) for axis in output[1:])
        return f"its output has the shape {told} for a row, the labels {labels.shape[1:]}"
    if kind == "multiclass" and labels.size and not 0 <= labels.min() <= labels.max() < classes:
        return f"it has {classes} outputs, the labels go from {labels.min()} to {labels.max()}"
    return ""


def _is_like(shape: tuple[int, ...], wanted: Sequence[int | None]) -> bool:
    return len(shape) == len(wanted) and all(
        want in (None, size) for size, want in zip(shape, wanted, strict=True)
    )


def one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    """Class indices as rows of zeros with a one each."""
    indices = np.asarray(labels, np.int64)
    rows = np.zeros((*indices.shape, classes), np.float32)
    np.put_along_axis(rows, indices[..., None], 1.0, axis=-1)
    return rows
