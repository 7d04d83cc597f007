"""Put the arrays of a weights file into a built model, and say what went where.

A legacy file lists its layers with their arrays. They are matched by name where every name of the
file is a layer of the model, else by order; shapes must agree either way.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from service.base.errors import WeightsMismatch
from service.loading.hdf5 import LayerArrays


@dataclass(frozen=True, slots=True)
class Matched:
    """How a file's layers met the model's: `by` name or order, and (file layer, model layer)."""

    by: str
    pairs: tuple[tuple[str, str], ...]


def assign_legacy(model: Any, layers: list[LayerArrays], file_name: str) -> Matched:
    """Assign the arrays of a legacy file to a Keras model. Raises WeightsMismatch.

    Nothing is assigned unless everything fits.
    """
    targets = [(layer.name, _variables(layer)) for layer in model.layers]
    targets = [(name, variables) for name, variables in targets if variables]
    if len(targets) != len(layers):
        raise WeightsMismatch(
            file_name,
            f"the model has {len(targets)} layers with weights ({_names(n for n, _ in targets)}), "
            f"the file {len(layers)} ({_names(layer.layer for layer in layers)})",
        )
    by_name = dict(targets)
    is_named = len(by_name) == len(targets) and by_name.keys() == {each.layer for each in layers}
    order = [layer.layer if is_named else targets[i][0] for i, layer in enumerate(layers)]
    chosen = [by_name[order[i]] if is_named else targets[i][1] for i in range(len(layers))]
    planned = []
    for layer, target, variables in zip(layers, order, chosen, strict=True):
        planned.extend(_plan(layer, target, variables, file_name))
    for variable, array in planned:
        variable.assign(array)
    for layer in model._flatten_layers():
        if hasattr(layer, "finalize_state"):  # Normalization computes with copies of its weights
            layer.finalize_state()
    pairs = tuple((layer.layer, target) for layer, target in zip(layers, order, strict=True))
    return Matched("name" if is_named else "order", pairs)


def _variables(layer: Any) -> list[Any]:
    """A layer's variables in the order in which legacy files list them."""
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _plan(
    layer: LayerArrays, target: str, variables: list[Any], file_name: str
) -> list[tuple[Any, np.ndarray]]:
    arrays = list(layer.arrays)
    if len(arrays) == len(variables) + 1 and layer.names[-1].split("/")[-1].startswith("count"):
        arrays.pop()  # Normalization of Keras 2 also kept how many rows it had seen
    wanted = [tuple(variable.shape) for variable in variables]
    got = [tuple(array.shape) for array in arrays]
    if wanted != got:
        raise WeightsMismatch(
            file_name,
            f"layer '{target}' has weights of the shapes {wanted}, "
            f"the file's layer '{layer.layer}' {got}",
        )
    return list(zip(variables, arrays, strict=True))


def _names(names: Any) -> str:
    listed = list(names)
    return ", ".join(listed[:8]) + (", ..." if len(listed) > 8 else "")
