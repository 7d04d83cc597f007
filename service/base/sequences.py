"""Sequences of different lengths made one array, just as `keras.utils.pad_sequences` does it."""

import math
from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from service.base.signature import STRING, Signature, TensorSpec, shape_text

MAX_LENGTH = 1_000_000
HOW_TO_DECLARE = (
    "sequences of different lengths are padded where model.yaml has a section `sequences:`, "
    "such as `sequences: {padding: post}`"
)

Side = Literal["pre", "post"]


class Sequences(BaseModel):
    """The section `sequences` of `model.yaml`; names and defaults are those of `pad_sequences`.

    What is shorter than the others gets `value` at its side `padding`; what is longer than
    `max_length` loses steps at its side `truncating`. Without a `max_length` it is the model's own
    where that is fixed, else the longest of a request or of a data set. `inputs` are those with
    sequences; by default all whose first axis is free, or the only one that there is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    padding: Side = "pre"
    truncating: Side = "pre"
    value: float = 0.0
    max_length: Annotated[int, Field(ge=1, le=MAX_LENGTH)] | None = None
    inputs: Annotated[tuple[str, ...], Field(max_length=1000)] = ()

    def lengths(self, signature: Signature) -> dict[str, int | None]:
        """The inputs with sequences and how long each becomes; none is as long as the longest."""
        named = set(self.inputs)
        specs = [spec for spec in signature.inputs if spec.name in named]
        if not named:
            specs = [spec for spec in signature.inputs if spec.item_shape[:1] == (None,)]
        if not named and not specs and len(signature.inputs) == 1:
            specs = [spec for spec in signature.inputs if spec.item_shape]
        return {spec.name: (*spec.item_shape, None)[0] or self.max_length for spec in specs}


def sequences_misfit(sequences: Sequences | None, signature: Signature) -> str:
    """Why a model with this signature can't have such sequences; empty when it can."""
    if sequences is None:
        return ""
    unknown = sorted(set(sequences.inputs) - {spec.name for spec in signature.inputs})
    if unknown:
        return f"model.yaml: sequences names the input {unknown[0]!r}, which the model doesn't have"
    found = sequences.lengths(signature)
    if not found:
        return "model.yaml: sequences: no input of the model has sequences; name it in inputs"
    for spec in signature.inputs:
        if spec.name in found:
            wrong = _input_misfit(sequences, spec)
            if wrong:
                return f"model.yaml: sequences: the input {spec.name!r} {wrong}"
    return ""


def _input_misfit(sequences: Sequences, spec: TensorSpec) -> str:
    if spec.dtype == STRING or not spec.item_shape:
        return f"has no sequences of numbers, but {spec.dtype} {shape_text(spec.shape)}"
    length = spec.item_shape[0]
    if length is not None and sequences.max_length not in (None, length):
        return f"takes {length} steps, but max_length is {sequences.max_length}"
    value = sequences.value
    if spec.vocabulary is not None and not (value.is_integer() and 0 <= value < spec.vocabulary):
        return f"is looked up among {spec.vocabulary} rows, which have no row {value:g}"
    if spec.mask is not None and not math.isclose(value, spec.mask, rel_tol=1e-6):
        return f"is filled up with value {value:g}, but the model's mask hides {spec.mask:g} alone"
    kind = spec.numpy_dtype
    if kind.kind in "iu":
        bounds = np.iinfo(kind)
        if not (value.is_integer() and bounds.min <= value <= bounds.max):
            return f"takes {kind}, and the value {value:g} is none"
    elif kind.kind == "f" and abs(value) > float(np.finfo(kind).max):
        return f"takes {kind}, and the value {value:g} is beyond it"
    return ""


def pad(
    rows: Sequence[np.ndarray], sequences: Sequences, length: int | None, dtype: np.dtype
) -> np.ndarray:
    """All rows in one array, `length` steps each, or as many as the longest has.

    Each row has its steps on the first axis, at least one; the other axes are the same for all.
    """
    steps = max(map(len, rows)) if length is None else length
    padded = np.full((len(rows), steps, *rows[0].shape[1:]), sequences.value, dtype)
    for target, row in zip(padded, rows, strict=True):
        kept = row[-steps:] if sequences.truncating == "pre" else row[:steps]
        if sequences.padding == "pre":
            target[steps - len(kept) :] = kept
        else:
            target[: len(kept)] = kept
    return padded


def pad_dense(rows: np.ndarray, sequences: Sequences, length: int | None) -> np.ndarray:
    """Rows that are equally long already, `length` steps each; none leaves them as they are."""
    if length is None or rows.shape[1] == length:
        return rows
    if rows.shape[1] > length:
        return rows[:, -length:] if sequences.truncating == "pre" else rows[:, :length]
    padded = np.full((len(rows), length, *rows.shape[2:]), sequences.value, rows.dtype)
    if sequences.padding == "pre":
        padded[:, length - rows.shape[1] :] = rows
    else:
        padded[:, : rows.shape[1]] = rows
    return padded
