"""The raw request: a body that is nothing but the data of the model's only input, one row of it."""

import struct

import numpy as np

from service.base.errors import RequestInvalid
from service.base.signature import STRING, TensorSpec
from service.web.v2.binary import LENGTH, read_tensor
from service.web.v2.known import Known


def read_raw(body: bytes, known: Known) -> tuple[TensorSpec, np.ndarray]:
    """The input and its tensor. Raises RequestInvalid if the shape can't be told from the size."""
    model, inputs = known.model, known.facts.signature.inputs
    if len(inputs) != 1:
        raise RequestInvalid(
            "Raw request must only have 1 input (found 1) to be deduced but got "
            f"{len(inputs)} inputs in '{model}' model configuration"
        )
    spec = inputs[0]
    shape = _shape(spec, len(body))
    if spec.dtype == STRING:
        body = _as_text(body)
    return spec, read_tensor(body, 0, len(body), spec, shape, model)


def _shape(spec: TensorSpec, size: int) -> tuple[int, ...]:
    free = [axis for axis, length in enumerate(spec.shape) if axis > 0 and length is None]
    shape = [1 if length is None else length for length in spec.shape]
    count = 1
    for length in shape:
        count *= length
    if spec.dtype == STRING:
        if free or count != 1:
            raise RequestInvalid(
                f"For BYTE datatype raw input '{spec.name}', the model must have input shape [1]"
            )
    elif len(free) > 1:
        raise RequestInvalid(
            f"The shape of the raw input '{spec.name}' can not be deduced because there are "
            "more than one variable-sized dimension"
        )
    elif free:  # at least one, so that a size too small is told as a mismatch
        shape[free[0]] = max(1, size // (count * spec.numpy_dtype.itemsize))
    return tuple(shape)


def _as_text(body: bytes) -> bytes:
    try:
        return LENGTH.pack(len(body)) + body
    except struct.error:
        raise RequestInvalid("The raw input is longer than a text may be") from None
