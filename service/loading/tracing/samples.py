"""Seeded inputs for a signature: what a model is verified and warmed with."""

from collections.abc import Mapping, Sequence

import numpy as np

from service.base.signature import STRING, Signature, Tensors, TensorSpec

WORDS = ("alpha", "beta", "gamma", "delta", "the", "of", "")
INTEGER_RANGE = 10


Scales = Mapping[str, tuple[np.ndarray, np.ndarray]]


def sample_inputs(
    signature: Signature, rows: int, free_axis: int, seed: int, scales: Scales | None = None
) -> Tensors:
    """Inputs of `rows` instances; every free axis gets the length `free_axis`.

    Indices stay within the vocabulary of the embedding that they go into. `scales` gives mean and
    standard deviation of inputs that the model normalises: far from them it would only saturate.
    """
    random = np.random.default_rng(seed)
    inputs = {}
    for spec in signature.inputs:
        first = spec.shape[0] if spec.shape and spec.shape[0] is not None else rows
        values = _sample(spec, (first, *_lengths(spec, free_axis)), random)
        if scales and spec.name in scales:
            mean, deviation = scales[spec.name]
            values = (mean + deviation * values).astype(spec.dtype)
        inputs[spec.name] = values
    return inputs


def _lengths(spec: TensorSpec, free_axis: int) -> Sequence[int]:
    return [free_axis if axis is None else axis for axis in spec.item_shape]


def _sample(spec: TensorSpec, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    if spec.dtype == STRING:
        texts = np.asarray(random.choice(WORDS, size=shape), dtype=object)
        if texts.size and not texts.any():  # nothing but empty texts: some models can't take that
            texts.flat[0] = WORDS[0]
        return texts
    if spec.dtype == "bool":
        return random.random(shape) < 0.5
    if spec.vocabulary is not None:
        return random.integers(0, spec.vocabulary, size=shape).astype(spec.dtype)
    if np.dtype(spec.dtype).kind in "iu":
        return random.integers(0, INTEGER_RANGE, size=shape).astype(spec.dtype)
    return random.standard_normal(shape).astype(spec.dtype)
