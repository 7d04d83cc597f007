"""What a data file must hold, how much of it is taken, and what comes out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from service.base.signature import Signature, Tensors, TensorSpec

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class DataLimits:
    """Bounds of one data file; what is larger is refused before it is read.

    `max_cells` counts the numbers of all inputs, `max_columns` and the bytes of a line and of a
    field count for tables, `max_json_bytes` for JSON that isn't one object a line, and `max_ratio`
    is how many times a compressed file may grow.
    """

    max_bytes: int = 512 * MIB
    max_json_bytes: int = 16 * MIB
    max_rows: int = 5_000_000
    max_columns: int = 10_000
    max_cells: int = 200_000_000
    max_line_bytes: int = MIB
    max_field_bytes: int = 1024
    max_ratio: int = 500


@dataclass(frozen=True, slots=True)
class Expected:
    """What the model needs of a file.

    `classes` tells that labels are class indices below it; none is regression. The label's array
    or column has one of the names `label_columns`. `columns` names the feature columns of a table
    in the order of the model's inputs, whatever their order in the file; without them every other
    column is a feature, in the file's order. With `label_names` a label may be a name.
    """

    signature: Signature
    classes: int | None
    min_rows: int = 2
    label_columns: tuple[str, ...] = ("y", "label")
    columns: tuple[str, ...] = ()
    label_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.label_names and len(self.label_names) != self.classes:
            raise ValueError(f"{len(self.label_names)} label names for {self.classes} classes")

    @property
    def label(self) -> TensorSpec:
        """Labels as if they were one more input of the model: a class index is a vocabulary."""
        if self.classes is not None:
            return TensorSpec("label", "int64", (None,), vocabulary=self.classes)
        output = self.signature.outputs[0]
        item = tuple(axis or 1 for axis in output.item_shape)
        return TensorSpec("label", "float32", (None,) if item in ((), (1,)) else (None, *item))

    def as_json(self) -> dict[str, object]:
        """A plain record, for the task of a child process."""
        return {
            "signature": self.signature.as_json(),
            "classes": self.classes,
            "min_rows": self.min_rows,
            "label_columns": list(self.label_columns),
            "columns": list(self.columns),
            "label_names": list(self.label_names),
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> "Expected":
        """The reverse of `as_json`."""
        return cls(
            signature=Signature.from_json(record["signature"]),
            classes=record["classes"],
            min_rows=record["min_rows"],
            label_columns=tuple(record["label_columns"]),
            columns=tuple(record["columns"]),
            label_names=tuple(record["label_names"]),
        )


@dataclass(frozen=True, slots=True)
class Dataset:
    """Features by input and labels, of the dtypes and shapes that the model takes.

    `counts` has the rows of each class, by its name or else its index; none for regression.
    """

    inputs: Tensors
    labels: np.ndarray
    rows: int
    counts: Mapping[str, int]
