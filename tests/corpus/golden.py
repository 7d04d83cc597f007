"""Reference inputs and outputs of a corpus model, and how far an answer lies from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from service.base.signature import Signature, Tensors

MAX_DIFFERENCE = 1e-4
SMALLEST_SCALE = 1e-6  # below it an output is nothing but rounding


@dataclass(frozen=True, slots=True)
class Golden:
    """Inputs and outputs in the model's own order, as the Keras that wrote it computes them."""

    names: tuple[str, ...]
    inputs: tuple[np.ndarray, ...]
    outputs: tuple[np.ndarray, ...]

    def by_name(self, signature: Signature) -> Tensors:
        """The inputs by the names and in the dtypes that the served model has."""
        known = {spec.name for spec in signature.inputs}
        names = [spec.name for spec in signature.inputs]
        if known == set(self.names):
            names = list(self.names)
        dtypes = {spec.name: spec.numpy_dtype for spec in signature.inputs}
        pairs = zip(names, self.inputs, strict=True)
        return {name: array.astype(dtypes[name]) for name, array in pairs}


def read_golden(path: Path) -> Golden:
    """Read one reference file."""
    with np.load(path) as stored:
        names = tuple(str(name) for name in stored["input_names"])
        inputs = tuple(stored[f"x{i}"] for i in range(len(names)))
        count = sum(key.startswith("y") for key in stored.files)
        return Golden(names, inputs, tuple(stored[f"y{i}"] for i in range(count)))


def difference(golden: Golden, outputs: Sequence[np.ndarray]) -> float:
    """The largest difference, relative to each output's largest value.

    Raises ValueError when something else is wrong: a shape, a text, a decision.
    """
    if len(outputs) != len(golden.outputs):
        raise ValueError(f"{len(outputs)} outputs instead of {len(golden.outputs)}")
    pairs = zip(outputs, golden.outputs, strict=True)
    return max(_difference(got, expected) for got, expected in pairs)


def _difference(got: np.ndarray, expected: np.ndarray) -> float:
    if got.shape != expected.shape:
        raise ValueError(f"output of shape {got.shape} instead of {expected.shape}")
    if expected.dtype.kind == "U":
        wrong = [(g, e) for g, e in zip(got.ravel(), expected.ravel(), strict=True) if g != e]
        if wrong:
            raise ValueError(f"'{wrong[0][0]}' instead of '{wrong[0][1]}'")
        return 0.0
    if not np.array_equal(got.argmax(-1), expected.argmax(-1)):
        raise ValueError("another class is decided for")
    scale = max(float(np.abs(expected).max()), SMALLEST_SCALE)
    return float(np.abs(got - expected).max()) / scale
