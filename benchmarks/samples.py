"""Rows to ask about, and what Keras answers to each."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.models import Model

Rows = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Samples:
    """Rows of one model, with the truth about them."""

    model: Model
    rows: Rows
    truth: Rows


def read_samples(model: Model, top: Path) -> Samples:
    """Read back what `benchmarks.make_models` wrote."""
    return Samples(model, np.load(model.rows_file(top)), np.load(model.truth_file(top)))
