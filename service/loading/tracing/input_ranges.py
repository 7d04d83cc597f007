"""Which values an input may have: found by following the graph back from the layers that care."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from service.loading.tracing.keras_graph import calls_of, is_a, is_model, operation_of

# Layers that hand on their input's values, in another shape at most.
UNCHANGING = frozenset(
    """
    Cast Cropping1D Dropout ExpandDims Flatten Identity Permute RepeatVector Reshape
    SpatialDropout1D Squeeze Transpose
    """.split()
)


def vocabularies(model: Any) -> dict[str, int]:
    """For each input that an Embedding looks up, by name, how many rows its table has.

    Embeddings inside of nested models and wrappers count; what is computed on the way doesn't.
    """
    sizes: dict[str, int] = {}
    for layer, tensor in _entries(model, "Embedding"):
        for name in _sources(tensor):
            sizes[name] = min(layer.input_dim, sizes.get(name, layer.input_dim))
    return sizes


def masks(model: Any) -> dict[str, float]:
    """For each input of which a layer hides steps, by name, what such steps are filled with.

    Where two layers hide different ones nobody can say.
    """
    hidden: dict[str, set[float]] = {}
    for kind in ("Masking", "Embedding"):
        for layer, tensor in _entries(model, kind):
            if kind == "Masking" or getattr(layer, "mask_zero", False):
                for name in _sources(tensor):
                    hidden.setdefault(name, set()).add(float(getattr(layer, "mask_value", 0)))
    return {name: values.pop() for name, values in hidden.items() if len(values) == 1}


def scales(model: Any) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Mean and standard deviation of the inputs that go into a Normalization, by name."""
    found = {}
    for layer, tensor in _entries(model, "Normalization"):
        for name in _sources(tensor):
            found[name] = (np.asarray(layer.mean)[0], np.sqrt(np.asarray(layer.variance)[0]))
    return found


def _entries(model: Any, kind: str) -> Iterator[tuple[Any, Any]]:
    """Every layer of a kind with each tensor that goes into it, in the outermost graph."""
    for layer in model.layers:
        inner = getattr(layer, "layer", layer)  # TimeDistributed and the like wrap one
        tensors = [tensor for call in calls_of(layer) for tensor in call]
        if is_a(inner, kind):
            yield from ((inner, tensor) for tensor in tensors)
        elif is_model(inner):
            entries = [(found, set(_sources(tensor))) for found, tensor in _entries(inner, kind)]
            names = [operation_of(tensor).name for tensor in inner.inputs]
            for found, sources in entries:
                for index, tensor in enumerate(tensors):
                    if names[index % len(names)] in sources:
                        yield found, tensor


def _sources(tensor: Any) -> Iterator[str]:
    """Names of the inputs whose values reach a tensor unchanged."""
    pending = [tensor]
    while pending:
        operation = operation_of(pending.pop())
        if is_a(operation, "InputLayer"):
            yield operation.name
        elif type(operation).__name__ in UNCHANGING:
            pending.extend(tensor for call in calls_of(operation) for tensor in call)
