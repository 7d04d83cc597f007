"""What of a version's answers a label can be compared with, and how that is packed."""

from dataclasses import dataclass

from service.base.signature import Signature, Tensors
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
from service.repository.decisions import Chosen, Decided, Decisions, form_of
from service.repository.model_config import ModelConfig

NOTHING = Shape(Kind.NOTHING, 0)


@dataclass(frozen=True, slots=True)
class Packer:
    """Turns answers of one version into the bytes that receipts and the database have of them.

    `output` is the one that counts, the first.
    """

    shape: Shape
    output: str

    def pack(self, outputs: Tensors, decided: Decisions | None) -> bytes:
        """The rows; no bytes where there is nothing to compare."""
        width = self.shape.width
        if not width:
            return b""
        if isinstance(decided, Decided):
            return pack_classes(width, decided.class_index, decided.score)
        if isinstance(decided, Chosen):
            return pack_sets(decided.chosen)
        values = outputs[self.output]
        return pack_values(values.reshape(len(values), width))


def packer(config: ModelConfig, signature: Signature) -> Packer:
    """How the answers of a version are packed."""
    output = signature.outputs[0]
    return Packer(_shape(config, signature), output.name)


def _shape(config: ModelConfig, signature: Signature) -> Shape:
    """What is compared, where a receipt has room for it."""
    form, width = form_of(config, signature)
    if form == "values":
        is_short = width <= MAX_ROW_BYTES // FLOATS.itemsize
        return Shape(Kind.VALUES, width) if is_short else NOTHING
    if form == "nothing" or width > MAX_WIDTH:
        return NOTHING
    return Shape(Kind.CLASSES, width) if form == "classes" else _if_inside(Shape(Kind.SETS, width))


def _if_inside(shape: Shape) -> Shape:
    """Rows that no receipt has room for would all have to be written into the database."""
    return shape if shape.row_bytes <= MAX_ROW_BYTES else NOTHING
