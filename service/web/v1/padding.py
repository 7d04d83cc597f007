"""Sequences of a request, each as long as it is, padded as `model.yaml` says."""

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from service.base.errors import RequestInvalid
from service.base.sequences import HOW_TO_DECLARE, Sequences, pad, pad_dense
from service.base.signature import Tensors, TensorSpec
from service.web.exchange import Facts
from service.web.tensors import Fault, Misfit, read_tensor

# A short request must not become a large array: one long sequence beside many short ones.
MAX_PADDED_VALUES = 16_000_000


def read_padded(
    value: Any, spec: TensorSpec, sequences: Sequences, length: int | None, allow_non_finite: bool
) -> np.ndarray:
    """The tensor out of nested lists whose first axis differs from row to row. Raises Misfit."""
    if not isinstance(value, list) or not value:
        return read_tensor(value, spec, allow_non_finite)  # which says what is wrong
    one = replace(spec, shape=(None, None, *spec.item_shape[1:]))
    rows: list[np.ndarray] = []
    for index, row in enumerate(value):
        try:
            (steps,) = read_tensor([row], one, allow_non_finite)
        except Misfit as misfit:
            fault = misfit.fault
            told = Fault((index, *fault.path[1:]), fault.expected, fault.got)
            raise Misfit(told, *misfit.leaf) from None
        if rows and steps.shape[1:] != rows[0].shape[1:]:
            sizes = f"steps of the shape {rows[0].shape[1:]}, as the first one has"
            raise Misfit(Fault((index,), sizes, f"{steps.shape[1:]}"))
        rows.append(steps)
    return pad_rows(rows, spec, sequences, length)


def pad_rows(
    rows: list[np.ndarray], spec: TensorSpec, sequences: Sequences, length: int | None
) -> np.ndarray:
    """Rows of different lengths in one array. Raises RequestInvalid for one that is too large."""
    longest = max(map(len, rows)) if length is None else length
    _check_size(len(rows), longest, rows[0].shape[1:], spec)
    return pad(rows, sequences, longest, spec.numpy_dtype)


def pad_inputs(inputs: Tensors, facts: Facts) -> Tensors:
    """Tensors whose rows came equally long, made as long as `model.yaml` says."""
    sequences = facts.config.sequences
    if sequences is None:
        return inputs
    lengths = sequences.lengths(facts.signature)
    return {
        spec.name: _pad_one(inputs[spec.name], spec, sequences, lengths.get(spec.name))
        for spec in facts.signature.inputs
    }


def with_hint(misfit: Misfit, spec: TensorSpec) -> Misfit:
    """The same fault; where rows of different lengths are one, it says how they are declared."""
    fault = misfit.fault
    is_ragged = len(fault.path) == 1 and spec.item_shape[:1] == (None,) and not misfit.leaf
    if not is_ragged or not fault.expected.endswith(" elements"):
        return misfit
    return Misfit(replace(fault, got=f"{fault.got}; {HOW_TO_DECLARE}"))


def _pad_one(
    rows: np.ndarray, spec: TensorSpec, sequences: Sequences, length: int | None
) -> np.ndarray:
    if length is not None:
        _check_size(len(rows), length, rows.shape[2:], spec)
    return np.ascontiguousarray(pad_dense(rows, sequences, length))


def _check_size(rows: int, steps: int, step_shape: tuple[int, ...], spec: TensorSpec) -> None:
    size = rows * steps * prod(step_shape)
    if size > MAX_PADDED_VALUES:
        raise RequestInvalid(
            f"Input {spec.name}: {rows} sequences padded to {steps} steps would be {size} values; "
            f"expected at most {MAX_PADDED_VALUES}: send fewer, or equally long ones together"
        )
