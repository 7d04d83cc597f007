"""Labels of every kind, and the models that can learn them."""

from typing import Any

import numpy as np
import pytest

from service.training.model.label_form import Kind, kind_of, one_hot, why_not_for

INDICES = np.array([0, 2, 1])
SETS = np.array([[0, 1, 1], [1, 0, 0]])


@pytest.mark.parametrize(
    ("labels", "are_classes", "width", "kind"),
    [
        (INDICES, True, 3, "multiclass"),
        (INDICES, True, 1, "binary"),
        (INDICES, False, 1, "regression"),
        (SETS, True, 3, "multilabel"),
        (SETS, True, 5, "multiclass"),  # a label a step
        (SETS, False, 3, "regression"),
    ],
)
def test_tells_the_kind(labels: Any, are_classes: bool, width: int, kind: Kind) -> None:
    assert kind_of(labels, are_classes, width) == kind


@pytest.mark.parametrize(
    ("labels", "kind", "output", "told"),
    [
        (INDICES, "multiclass", (None, 3), ""),
        (INDICES, "multiclass", (None, 2), "it has 2 outputs, the labels go from 0 to 2"),
        (INDICES, "binary", (None, 1), ""),
        (INDICES[:, None], "binary", (None, 1), ""),
        (INDICES, "regression", (None, 1), ""),
        (INDICES, "multiclass", (None, None, 3), "its output has the shape ? x 3 for a row"),
        (SETS, "multiclass", (None, None, 3), ""),
        (SETS, "multilabel", (None, 3), ""),
        (INDICES, "regression", (None, 3), "its output has the shape 3 for a row"),
        (np.zeros((6, 1, 2)), "regression", (None, 1, 2), "its output has 2 axes for a row; one"),
        (np.zeros((6, 4, 1)), "regression", (None, 4, 1), ""),
    ],
)
def test_tells_what_does_not_fit(labels: Any, kind: Kind, output: Any, told: str) -> None:
    why = why_not_for(labels, kind, output)

    assert why.startswith(told) if told else not why


def test_one_hot_rows() -> None:
    assert one_hot(INDICES, 4).tolist() == [[1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0]]
    assert one_hot(SETS, 2).shape == (2, 3, 2)
