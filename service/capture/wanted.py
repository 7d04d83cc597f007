"""What a model that is to be trained takes, and whether rows of a file are that."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from service.base.signature import STRING, Signature, TensorSpec, shape_text
from service.capture.schema import Form, InputForm

TruthForm = Literal["classes", "values", "sets"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Its inputs, and what its labels are: one of `width` classes, a set of them, or numbers.

    `class_names` are for messages and counts; `min_rows` and `min_classes` are the least that
    there may be to learn from. `padded` are the inputs with sequences, which may differ in length.
    With `is_finite` rows are refused whose inputs have NaN, or what isn't in a vocabulary.
    """

    signature: Signature
    form: TruthForm
    width: int
    class_names: tuple[str, ...] = ()
    min_rows: int = 2
    min_classes: int = 2
    padded: frozenset[str] = frozenset()
    is_finite: bool = False

    @property
    def alike(self) -> tuple[str, ...]:
        """The inputs with free axes that nothing pads: all rows must have one shape there."""
        free = (spec.name for spec in self.signature.inputs if None in spec.item_shape)
        return tuple(name for name in free if name not in self.padded)

    def name_of(self, index: int) -> str:
        """What a class is called."""
        return self.class_names[index] if index < len(self.class_names) else str(index)


def misfit(form: Form, wanted: Wanted) -> str:
    """Why the inputs of a file are none of the model's; empty where they are."""
    kept = {one.name: one for one in form.inputs}
    for spec in wanted.signature.inputs:
        if spec.name not in kept:
            return f"were kept without the input '{spec.name}'"
        why = _misfit(kept[spec.name], spec)
        if why:
            return why
    return ""


def _misfit(kept: InputForm, spec: TensorSpec) -> str:
    if kept.blank:
        numbers = ", ".join(map(str, kept.blank[:5]))
        return f"were kept without number {numbers} of the input '{kept.name}'"
    is_text = STRING in (kept.dtype, spec.dtype)
    if kept.dtype != spec.dtype and (
        is_text or not np.can_cast(kept.dtype, spec.numpy_dtype, "same_kind")
    ):
        return f"have {kept.dtype} in the input '{kept.name}', where the model takes {spec.dtype}"
    if len(kept.shape) != len(spec.item_shape) or any(
        axis not in (None, size) for axis, size in zip(spec.item_shape, kept.shape, strict=True)
    ):
        shapes = f"{shape_text(kept.shape)}, where the model takes {shape_text(spec.item_shape)}"
        return f"have the shape {shapes}, in the input '{kept.name}'"
    return ""
