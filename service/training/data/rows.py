"""The rows of a job, read once and kept on the disk: every attempt sees the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from service.base.signature import Tensors


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of the shapes and dtypes that the model takes, read from the disk as they are used.

    `labels` are class indices of shape (rows,) for classes, 0 and 1 of shape (rows, classes) for
    sets of labels, numbers for regression. `weights` are there where the data has them.
    """

    inputs: Tensors
    labels: np.ndarray
    weights: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What is recorded of the data: plain JSON, the same in every attempt.

    `sha256` is that of the rows in the file's order with their labels, weights and times, whatever
    the file's format. `counts` has the rows of each class by part (`train`, `validation`,
    `held_out`); empty for regression. `rows` counts all, `parts` those of each. `split` and
    `source` say what was asked.
    """

    sha256: str
    rows: int
    parts: Mapping[str, int]
    counts: Mapping[str, Mapping[str, int]]
    split: Mapping[str, Any]
    source: Mapping[str, Any]
    warnings: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """A plain record, for the database, a manifest and messages."""
        return {
            "sha256": self.sha256,
            "rows": self.rows,
            "parts": dict(self.parts),
            "counts": {part: dict(counts) for part, counts in self.counts.items()},
            "split": dict(self.split),
            "source": dict(self.source),
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "DataFacts":
        """The reverse of `as_json`."""
        return cls(**{**record, "warnings": tuple(record["warnings"])})


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Rows to learn from, to validate with and held out; a part that wasn't asked for has none.

    `class_names` are the labels of `model.yaml`, or the indices as texts; empty for regression.
    """

    train: Rows
    validation: Rows
    held_out: Rows
    facts: DataFacts
    class_names: tuple[str, ...] = ()
