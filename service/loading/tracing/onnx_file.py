"""Convert a traced model to ONNX, and prove on seeded inputs that both give the same."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import onnxruntime
import tf2onnx

from service.base.golden import MAX_RELATIVE_ERROR, relative_error
from service.base.signature import STRING, Signature, Tensors
from service.loading.reasons import reason_of
from service.loading.tracing.onnx_graph import name_ends, replace_erfc
from service.loading.tracing.row_mixing import find_mixing
from service.loading.tracing.samples import Scales, sample_inputs
from service.loading.tracing.warm_up import LENGTHS, Reference, lengths_around

logger = logging.getLogger(__name__)

OPSET = 18
BATCH_SIZES = (1, 2, 7)
Run = Callable[[Tensors], list[Any]]


class Traced(Reference, Protocol):
    """A reference that can be converted: a function of TensorFlow and its input specs."""

    function: Any
    tensor_specs: list[Any]


class ConversionFailed(Exception):
    """The model stays with TensorFlow; the text says why."""


@dataclass(frozen=True, slots=True)
class Converted:
    """An ONNX model that was verified against TensorFlow; `rows_doubt` as in its record."""

    onnx: bytes
    max_relative_error: float
    rows_doubt: str


def convert(traced: Traced, length: int = LENGTHS[0]) -> Converted:
    """Convert and verify, free axes as long as `length`. Raises ConversionFailed."""
    if any(s.dtype == STRING for s in (*traced.signature.inputs, *traced.signature.outputs)):
        raise ConversionFailed("it takes or gives texts, which stay with TensorFlow")
    try:
        model, _ = tf2onnx.convert.from_function(
            traced.function, input_signature=traced.tensor_specs, opset=OPSET
        )
        replace_erfc(model.graph)
        name_ends(model.graph, traced.signature)
        content = model.SerializeToString()
        run = onnx_run(content, traced.signature)
        lengths = lengths_around(length)
        error = verify(traced.run, run, traced.signature, traced.scales, lengths)
        rows_doubt = find_mixing(model)
    except ConversionFailed:
        raise
    except Exception as failure:  # the converter and ONNX Runtime raise anything at all
        logger.debug("conversion failed", exc_info=True)
        raise ConversionFailed(reason_of(failure)) from failure
    return Converted(content, error, rows_doubt)


def verify(
    reference: Run,
    candidate: Run,
    signature: Signature,
    scales: Scales | None = None,
    lengths: Sequence[int] = lengths_around(LENGTHS[0]),
) -> float:
    """The largest relative error over several batches. Raises ConversionFailed above the limit."""
    worst = 0.0
    for seed, (rows, free_axis) in enumerate(zip(BATCH_SIZES, lengths, strict=True)):
        inputs = sample_inputs(signature, rows, free_axis, seed, scales)
        expected, got = reference(inputs), candidate(inputs)
        for spec, want, have in zip(signature.outputs, expected, got, strict=True):
            error = relative_error(want, have)
            if not error <= MAX_RELATIVE_ERROR:
                raise ConversionFailed(
                    f"output '{spec.name}' differs from TensorFlow's by {error:.2g} (relative)"
                )
            worst = max(worst, error)
    return worst


def onnx_run(content: bytes, signature: Signature) -> Run:
    """A function that runs an ONNX model, outputs in the signature's order."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    names = [spec.name for spec in signature.outputs]
    return lambda inputs: list(session.run(names, inputs))
