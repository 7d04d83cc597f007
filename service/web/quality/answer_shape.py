"""What of a version's answers a label can be compared with, and how that is packed."""

from dataclasses import dataclass
from math import prod

from service.base.signature import Signature, Tensors, TensorSpec
from service.quality.predicted import (
    FLOATS,
    MAX_WIDTH,
    Kind,
    Shape,
    pack_classes,
    pack_sets,
    pack_values,
)
from service.quality.receipt import MAX_ROW_BYTES
from service.repository.model_config import ModelConfig
from service.web.decisions import Decided, decider

NOTHING = Shape(Kind.NOTHING, 0)


@dataclass(frozen=True, slots=True)
class Packer:
    """Turns answers of one version into the bytes that receipts and the database have of them.

    `output` is the one that counts, the first; `threshold` is for sets.
    """

    shape: Shape
    output: str
    threshold: float

    def pack(self, outputs: Tensors, decided: Decided | None) -> bytes:
        """The rows; no bytes where there is nothing to compare."""
        kind = self.shape.kind
        if kind is Kind.CLASSES:
            return b"" if decided is None else self._classes(decided)
        if kind is Kind.NOTHING:
            return b""
        values = outputs[self.output]
        rows = values.reshape(len(values), self.shape.width)
        if kind is Kind.SETS:
            return pack_sets(rows >= rows.dtype.type(self.threshold))
        return pack_values(rows)

    def _classes(self, decided: Decided) -> bytes:
        return pack_classes(self.shape.width, decided.class_index, decided.score)


def packer(config: ModelConfig, signature: Signature) -> Packer:
    """How the answers of a version are packed."""
    output = signature.outputs[0]
    return Packer(_shape(config, signature), output.name, config.threshold)


def _shape(config: ModelConfig, signature: Signature) -> Shape:
    """The decided classes if there are any; else labels that are on, or a few numbers."""
    output = signature.outputs[0]
    if decider(config, signature) is not None:
        classes = 1 if len(output.shape) == 1 else output.shape[1] or 0
        return Shape(Kind.CLASSES, max(2, classes)) if classes <= MAX_WIDTH else NOTHING
    width = _width(output)
    if not width or not output.dtype.startswith(("float", "int", "uint")):
        return NOTHING
    if output.activation == "sigmoid" and config.task is None and len(output.shape) == 2:
        return _if_inside(Shape(Kind.SETS, width)) if width <= MAX_WIDTH else NOTHING
    is_regression = config.task == "regression" or output.activation not in ("sigmoid", "softmax")
    if not is_regression or width > MAX_ROW_BYTES // FLOATS.itemsize:
        return NOTHING
    return Shape(Kind.VALUES, width)


def _width(output: TensorSpec) -> int:
    """How many numbers a row has; 0 where that isn't the same for all rows."""
    sizes = output.item_shape
    return 0 if None in sizes else prod(size or 0 for size in sizes)


def _if_inside(shape: Shape) -> Shape:
    """Rows that no receipt has room for would all have to be written into the database."""
    return shape if shape.row_bytes <= MAX_ROW_BYTES else NOTHING
