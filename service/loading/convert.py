"""Convert a traced model to ONNX, and prove on seeded inputs that both give the same."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
import tf2onnx

from service.base.signature import Signature, Tensors
from service.loading.samples import Scales, sample_inputs
from service.loading.trace import TracedModel

logger = logging.getLogger(__name__)

OPSET = 18
MAX_RELATIVE_ERROR = 1e-4
SMALLEST_SCALE = 1e-3
BATCH_SIZES = (1, 2, 7)
FREE_AXES = (5, 12, 33)
Run = Callable[[Tensors], list[Any]]


class ConversionFailed(Exception):
    """The model stays with TensorFlow; the text says why."""


@dataclass(frozen=True, slots=True)
class Converted:
    """An ONNX model that was verified against TensorFlow."""

    onnx: bytes
    max_relative_error: float


def convert(traced: TracedModel) -> Converted:
    """Convert and verify. Raises ConversionFailed with the reason."""
    try:
        model, _ = tf2onnx.convert.from_function(
            traced.function, input_signature=traced.tensor_specs, opset=OPSET
        )
        _rename(model.graph, traced.signature)
        content = model.SerializeToString()
        run = _onnx_run(content, traced.signature)
        error = verify(traced.run, run, traced.signature, traced.scales)
    except ConversionFailed:
        raise
    except Exception as failure:  # the converter and ONNX Runtime raise anything at all
        logger.debug("conversion failed", exc_info=True)
        text = " ".join(str(failure).split())[:300]
        raise ConversionFailed(f"{type(failure).__name__}: {text}") from failure
    return Converted(content, error)


def verify(
    reference: Run, candidate: Run, signature: Signature, scales: Scales | None = None
) -> float:
    """The largest relative error over several batches. Raises ConversionFailed above the limit.

    Relative: the largest absolute difference over the largest absolute value of the reference's
    output in that batch, or over SMALLEST_SCALE for outputs that are all but zero.
    """
    worst = 0.0
    for seed, (rows, free_axis) in enumerate(zip(BATCH_SIZES, FREE_AXES, strict=True)):
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


def relative_error(want: np.ndarray, have: np.ndarray) -> float:
    """Largest difference over largest magnitude; infinite for other shapes, NaN or infinities."""
    if want.shape != have.shape:
        return float("inf")
    if want.dtype.kind in "OSUb" or want.size == 0:
        return 0.0 if np.array_equal(want, have) else float("inf")
    finite = np.isfinite(want) & np.isfinite(have)
    if not np.array_equal(want[~finite], have[~finite], equal_nan=True):
        return float("inf")
    if not finite.any():
        return 0.0
    difference = np.abs(want[finite].astype("float64") - have[finite].astype("float64")).max()
    return float(difference / max(float(np.abs(want[finite]).max()), SMALLEST_SCALE))


def _onnx_run(content: bytes, signature: Signature) -> Run:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    names = [spec.name for spec in signature.outputs]
    return lambda inputs: list(session.run(names, inputs))


def _rename(graph: Any, signature: Signature) -> None:
    """Give the graph's ends the signature's names; tf2onnx has its own."""
    renamed: dict[str, str] = {}
    for values, specs in ((graph.input, signature.inputs), (graph.output, signature.outputs)):
        for value, spec in zip(values, specs, strict=True):
            renamed[value.name] = spec.name
            value.name = spec.name
    _rename_nodes(graph, renamed)


def _rename_nodes(graph: Any, renamed: dict[str, str]) -> None:
    """Rename in all nodes, the bodies of loops and branches included: they see outer names."""
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _rename_nodes(attribute.g, renamed)
