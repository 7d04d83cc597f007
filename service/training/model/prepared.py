"""A model that is ready to be trained, and what was done to it on the way."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from service.base.strict_json import Json
from service.training.model.label_form import one_hot


@dataclass(frozen=True, slots=True)
class Prepared:
    """A compiled Keras model with one output, `width` wide.

    `report` is plain JSON: `init` (what was loaded, what was not and why, what is frozen, the new
    head) and `compile` (optimizer, loss and metrics, where each comes from, whether the optimizer's
    state was restored). `is_one_hot`: the loss or a metric wants classes as rows of one-hot.
    """

    model: Any
    report: Json
    width: int
    is_one_hot: bool = False

    def targets(self, labels: np.ndarray) -> np.ndarray:
        """Labels of a batch in the form in which the compiled model takes them."""
        return one_hot(labels, self.width) if self.is_one_hot else labels
