"""Weights files made by hand: the legacy layout, and the tree of Keras 3."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Arrays = Mapping[str, Any]


def legacy_file(path: Path, layers: Sequence[tuple[str, Arrays]], **attributes: str) -> Path:
    """Layers with their arrays by whole name; the same name may be there twice."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name for name, _ in layers]
        file.attrs.update(attributes)
        for name, arrays in layers:
            group = file.require_group(name)
            group.attrs["weight_names"] = list(arrays)
            for key, value in arrays.items():
                group[key] = value
    return path


def tree_file(path: Path, arrays: Arrays, names: Mapping[str, str] | None = None) -> Path:
    """Arrays by path (layers/dense/vars/0), and the names that newer files keep at `vars`."""
    with h5py.File(path, "w") as file:
        for key, value in arrays.items():
            file[key] = value
        for group, name in (names or {}).items():
            file.require_group(f"{group}/vars").attrs["name"] = name
    return path


def dense(layer: str, fill: float, inputs: int = 4, units: int = 3) -> tuple[str, Arrays]:
    """A dense layer as legacy files of Keras 2 list it, filled with one number."""
    kernel, bias = np.full((inputs, units), fill, "f4"), np.full(units, fill, "f4")
    return layer, {f"{layer}/kernel:0": kernel, f"{layer}/bias:0": bias}


def dense_vars(slot: str, fill: float, inputs: int = 4, units: int = 3) -> Arrays:
    """A dense layer as Keras 3 keeps it."""
    kernel, bias = np.full((inputs, units), fill, "f4"), np.full(units, fill, "f4")
    return {f"layers/{slot}/vars/0": kernel, f"layers/{slot}/vars/1": bias}
