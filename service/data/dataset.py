"""What a data file must hold, how much of it is taken, and what comes out."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from service.base.sequences import Sequences
from service.base.signature import Signature, Tensors, TensorSpec
from service.recipe.data import LabelForm

MIB = 1024 * 1024
LABEL_COLUMNS = ("y", "label", "target", "class", "labels")
LISTS = ("label_names", "label_columns", "labels_apart", "columns", "ignored")


@dataclass(frozen=True, slots=True)
class DataLimits:
    """Bounds of one data file; what is larger is refused before it is read.

    `max_cells` counts the numbers of all inputs, `max_columns` and the bytes of a line and of a
    field count for tables, `max_json_bytes` for JSON that isn't one object a line, and `max_ratio`
    is how many times a compressed file may grow. A field that holds a list may be as long as a
    line.
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

    `classes` tells that labels are class indices below it; none is regression. With `are_sets` a
    row may have any number of the classes. `label_names` are the names of the classes, and
    `label_form` says whether labels are names, indices, or either.

    The label's array or column has one of the names `label_columns`; `labels_apart` are several
    columns, one for each class of a set or each number. `columns` names the feature columns of a
    table in the order of the model's inputs, or an array or column an input, whatever their order
    in the file; what else there is must be in `ignored`, unless `leaves_others`. Without it every
    column that is nothing else is a feature, in the file's order. `weight_column` and
    `time_column` are there if the file is to have them.

    `sequences` says how rows of different lengths are padded. `min_rows` and `min_classes` are the
    least that there may be to learn from.
    """

    signature: Signature
    classes: int | None
    min_rows: int = 2
    min_classes: int = 2
    are_sets: bool = False
    label_names: tuple[str, ...] = ()
    label_form: LabelForm = "auto"
    label_columns: tuple[str, ...] = LABEL_COLUMNS
    labels_apart: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    leaves_others: bool = False
    weight_column: str = ""
    time_column: str = ""
    sequences: Sequences | None = None

    def __post_init__(self) -> None:
        if self.label_names and len(self.label_names) != self.classes:
            raise ValueError(f"{len(self.label_names)} label names for {self.classes} classes")

    @property
    def label(self) -> TensorSpec:
        """Labels as if they were one more input of the model: a class index is a vocabulary."""
        if self.classes is not None:
            if self.are_sets:
                return TensorSpec("label", "float32", (None, self.classes), vocabulary=2)
            return TensorSpec("label", "int64", (None,), vocabulary=self.classes)
        output = self.signature.outputs[0]
        item = tuple(axis or 1 for axis in output.item_shape)
        return TensorSpec("label", "float32", (None,) if item in ((), (1,)) else (None, *item))

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, or their indices as texts; empty for regression."""
        return self.label_names or tuple(str(index) for index in range(self.classes or 0))

    @property
    def lengths(self) -> dict[str, int | None]:
        """The inputs with sequences, and how many steps each becomes."""
        return {} if self.sequences is None else self.sequences.lengths(self.signature)

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The model's inputs as the file has them: sequences are of any length there."""
        lengths = self.lengths
        return tuple(
            replace(spec, shape=(None, None, *spec.item_shape[1:]))
            if spec.name in lengths
            else spec
            for spec in self.signature.inputs
        )

    def for_part(self) -> "Expected":
        """What a file must hold that is a part of its own: it may be small, and of one class."""
        return replace(self, min_rows=1, min_classes=1)

    def as_json(self) -> dict[str, Any]:
        """A plain record, for the task of a child process."""
        record = {field.name: getattr(self, field.name) for field in fields(self)}
        record["signature"] = self.signature.as_json()
        record["sequences"] = None if self.sequences is None else self.sequences.model_dump()
        return record

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> "Expected":
        """The reverse of `as_json`."""
        sequences = record["sequences"]
        texts = {key: tuple(record[key]) for key, value in record.items() if key in LISTS}
        return cls(
            **{
                **record,
                **texts,
                "signature": Signature.from_json(record["signature"]),
                "sequences": None if sequences is None else Sequences(**sequences),
            }
        )


@dataclass(frozen=True, slots=True)
class Dataset:
    """Features by input and labels, of the dtypes and shapes that the model takes.

    `counts` has the rows of each class, by its name or else its index; none for regression.
    `weights` and `times`, in seconds or whatever the file counts in, are there if they were asked
    for. `warnings` tell what was taken all the same. `columns` are the columns of one number a row,
    in the order in which they fill the inputs; arrays and lists have none.
    """

    inputs: Tensors
    labels: np.ndarray
    rows: int
    counts: Mapping[str, int]
    weights: np.ndarray | None = None
    times: np.ndarray | None = None
    warnings: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
