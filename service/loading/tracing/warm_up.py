"""First runs of a traced model, bounded: the smallest and the largest batch it must survive."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol

import numpy as np

from service.base.golden import MAX_RELATIVE_ERROR, relative_error
from service.base.refusals import ModelUnsupported
from service.base.signature import WARM_ROWS, Signature, Tensors, zeros
from service.loading.reasons import reason_of
from service.loading.tracing.samples import Scales, sample_inputs

LARGEST_BATCH = 32
LARGEST_BATCH_BYTES = 512 * 1024**2
BYTES_A_NUMBER = 4
# Lengths tried for free axes until the model gives something: some need thousands of positions.
LENGTHS = (5, 12, 33, 100, 300, 1_000, 3_000, 11_000, 30_000)
SEED = 20
ODD_ROWS = 3  # no usual length, so that rows can't pass for steps


class Reference(Protocol):
    """A traced model, of either Keras or out of a SavedModel."""

    signature: Signature

    @property
    def scales(self) -> Scales | None:
        """Mean and deviation of inputs that the model normalises, by name."""
        ...

    def run(self, inputs: Tensors) -> list[Any]:
        """The outputs for a batch, in the signature's order."""
        ...


def find_length(traced: Reference, name: str) -> int:
    """The shortest usual length of free axes at which the model gives an answer with numbers in it.

    Raises ModelUnsupported with what the model said at the last of them.
    """
    has_free_axes = any(None in spec.item_shape for spec in traced.signature.inputs)
    last: Exception | None = None
    for length in LENGTHS if has_free_axes else LENGTHS[:1]:
        inputs = sample_inputs(traced.signature, 1, length, SEED, traced.scales)
        try:
            outputs = traced.run(inputs)
        except Exception as error:  # TensorFlow raises many classes for a length too short
            last = error
            continue
        if all(np.size(output) for output in outputs):
            return length
        last = ValueError(f"at the length {length} it gives empty outputs")
    assert last is not None
    raise ModelUnsupported(name, f"it was built, but can't be run: {reason_of(last)}")


def check_trace(traced: Any, length: int, name: str) -> None:
    """The traced function must answer as one that is traced for the very shapes it is asked.

    Raises ModelUnsupported: a layer that reads its input's shape may be traced for a wrong one,
    without an error.
    """
    if not hasattr(traced, "run_fixed"):  # a SavedModel is nothing but its trace
        return
    inputs = sample_inputs(traced.signature, ODD_ROWS, length, SEED, traced.scales)
    expected, got = traced.run_fixed(inputs), traced.run(inputs)
    for spec, want, have in zip(traced.signature.outputs, expected, got, strict=True):
        error = relative_error(np.asarray(want), np.asarray(have))
        if not error <= MAX_RELATIVE_ERROR:
            raise ModelUnsupported(
                name, f"traced for free axes, its output '{spec.name}' differs by {error:.2g}"
            )


def run_largest(traced: Reference, length: int, activation: int, name: str) -> int:
    """Run the largest batch whose biggest tensor fits; `activation` counts numbers an instance.

    Returns its rows. Raises ModelUnsupported when it fails.
    """
    size = max(1, activation) * BYTES_A_NUMBER * _stretch(traced.signature, length)
    rows = max(1, min(LARGEST_BATCH, LARGEST_BATCH_BYTES // size))
    try:
        traced.run(sample_inputs(traced.signature, rows, length, SEED, traced.scales))
    except Exception as error:
        why = f"it can't be run on {rows} rows: {reason_of(error)}"
        raise ModelUnsupported(name, why) from error
    return rows


def run_as_served(run: Any, signature: Signature, length: int) -> None:
    """Run what a worker runs before its first request: zeros, in its batch sizes.

    Nothing may happen there for the first time. What can't be computed with is no matter: it is
    answered with an error.
    """
    for rows in WARM_ROWS:
        with suppress(Exception):
            run(zeros(signature, rows, length))


def lengths_around(length: int) -> Sequence[int]:
    """Three lengths to verify at: a model must not depend on one."""
    return (length, length + 7, length + max(28, length // 50))


def _stretch(signature: Signature, length: int) -> int:
    """How much larger tensors are than counted: free axes were counted as one."""
    most = max((spec.item_shape.count(None) for spec in signature.inputs), default=0)
    return int(length**most)
