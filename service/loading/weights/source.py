"""Read the arrays of a weights file, grouped as the file groups them: legacy or Keras 3 layout.

A legacy file lists its layers, each with named arrays. A Keras 3 file is a tree that follows the
attributes of the model: `layers/dense_1/vars/0`, `layers/lstm/cell/vars/0`.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from service.base.refusals import FileBroken, WeightsMismatch
from service.loading.files.hdf5 import (
    kind_of_hdf5,
    legacy_layers,
    list_attribute,
    open_hdf5,
    text_attribute,
    weights_group,
)

TOP_LEVEL = "top_level_model_weights"
# What Keras keeps beside the weights for going on with a training.
TRAINING = {"optimizer", "optimizer_weights", "metrics", "loss_tracker", "compiled_metrics"}
TRAINING |= {"_compile_metrics", "_compile_loss", "compiled_loss", "train_state"}
SEED = "seed_generator_state"
SEED_GROUPS = {"seed_generator", "_random_generator"}
MAX_DEPTH = 64
CELL = re.compile(r".*_cells?(_\d+)?")  # what a wrapper calls the cells of its layers
KERAS_1_NAME = re.compile(
    r"(?P<owner>.+?)_(?P<name>[WUb]_[a-z]|[WUb]|gamma|beta|running_mean|running_std|alphas)"
)


@dataclass(frozen=True, slots=True)
class FileArray:
    """One array: `label` is its whole name in the file, `name` the last word, such as kernel."""

    label: str
    owner: str
    name: str
    value: np.ndarray


@dataclass(frozen=True, slots=True)
class FileLayer:
    """A group of arrays: `name` is the layer's where the file keeps it, `slot` the attribute."""

    label: str
    name: str = ""
    slot: str = ""
    arrays: tuple[FileArray, ...] = ()
    inner: tuple["FileLayer", ...] = ()

    def all_arrays(self) -> list[FileArray]:
        """Its own arrays and those of all within."""
        return [*self.arrays, *(array for layer in self.inner for array in layer.all_arrays())]


@dataclass(frozen=True, slots=True)
class Source:
    """A file's arrays; `is_tree` when slots lead to them, `is_ordered` when their order counts."""

    root: FileLayer
    is_tree: bool
    is_ordered: bool = True
    keras_version: str = ""
    backend: str = ""
    unlisted: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


def read_hdf5_source(path: Path, name: str) -> Source:
    """The arrays of an HDF5 file of either layout.

    Raises FileBroken when it can't be read or holds no weights, WeightsMismatch when a whole model
    contradicts itself.
    """
    with open_hdf5(path) as file:
        kind = kind_of_hdf5(file)
        if kind in ("keras3_weights", "other"):
            source = _tree_source(file)
            if kind == "other" and not any(
                "vars" in array.label.split("/") for array in source.root.all_arrays()
            ):
                raise FileBroken(name, "holds no weights of Keras: no list of layers, no layers")
            return source
        group = weights_group(file, name)
        if kind == "whole":
            _refuse_other_order(file, group, name)
        return _legacy_source(file, group)


def file_array(label: str, value: np.ndarray) -> FileArray:
    """An array by its whole name: `dense_1/kernel:0`, or `dense_1_W` of Keras 1."""
    plain = label.split(":")[0]
    old = KERAS_1_NAME.fullmatch(plain)
    if "/" not in plain and old:
        return FileArray(label, old["owner"], old["name"], value)
    owner, _, last = plain.rpartition("/")
    return FileArray(label, owner, last, value)


def _legacy_source(file: h5py.File, group: h5py.Group) -> Source:
    layers = tuple(
        FileLayer(layer.layer, layer.layer, arrays=arrays)
        for layer in legacy_layers(group)
        if (arrays := _named_arrays(layer.names, layer.arrays))
    )
    own: tuple[FileArray, ...] = ()
    if isinstance(top := group.get(TOP_LEVEL), h5py.Group):
        names = list_attribute(top, "weight_names")
        own = _named_arrays(names, [_read(top, name) for name in names])
    return Source(
        FileLayer("", arrays=own, inner=layers),
        is_tree=False,
        keras_version=text_attribute(group, "keras_version"),
        backend=text_attribute(group, "backend") or text_attribute(file, "backend"),
        unlisted=_unlisted(group),
        ignored=("optimizer_weights",) if "optimizer_weights" in file else (),
    )


def _named_arrays(names: Any, values: Any) -> tuple[FileArray, ...]:
    arrays = [file_array(name, value) for name, value in zip(names, values, strict=True)]
    return tuple(array for array in arrays if array.name != SEED)


def _unlisted(group: h5py.Group) -> tuple[str, ...]:
    """Arrays below a legacy group that no list names: Keras never writes one."""
    listed = set()
    for layer in (*list_attribute(group, "layer_names"), TOP_LEVEL):
        within = group.get(layer)
        if isinstance(within, h5py.Group):
            listed |= {_address(within[name]) for name in list_attribute(within, "weight_names")}
    strange: list[str] = []

    def look(name: str, item: Any) -> None:
        is_training = name.split("/")[0] in TRAINING
        if isinstance(item, h5py.Dataset) and not is_training and _address(item) not in listed:
            strange.append(name)

    group.visititems(look)
    return tuple(strange)


def _refuse_other_order(file: h5py.File, group: h5py.Group, name: str) -> None:
    """A whole model lists its layers twice, and every Keras lists them in the same order."""
    declared = _declared_names(text_attribute(file, "model_config"))
    listed = [layer for layer in list_attribute(group, "layer_names") if layer in declared]
    expected = [layer for layer in declared if layer in listed]
    for layer, other in zip(listed, expected, strict=False):
        if layer != other:
            raise WeightsMismatch(
                name,
                f"the file lists the weights of layer '{layer}' where its own architecture has "
                f"'{other}'; it was changed after Keras wrote it, save it with Keras again",
            )


def _declared_names(text: str) -> list[str]:
    try:
        config = json.loads(text)
        config = json.loads(config) if isinstance(config, str) else config
        layers = config["config"]
        layers = layers["layers"] if isinstance(layers, dict) else layers
        return [str(layer["config"]["name"]) for layer in layers]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []  # whoever builds the model says what is wrong with it


def _tree_source(file: h5py.File) -> Source:
    ignored: list[str] = []
    root = _tree_layer(file, "", ignored, set())
    return Source(root, is_tree=True, ignored=tuple(ignored))


def _tree_layer(group: h5py.Group, label: str, ignored: list[str], seen: set[int]) -> FileLayer:
    if _address(group) in seen or label.count("/") > MAX_DEPTH:
        raise FileBroken(Path(group.file.filename).name, f"the group '{label}' leads in a circle")
    seen.add(_address(group))
    arrays: tuple[FileArray, ...] = ()
    inner = []
    name = ""
    for key in group:
        item, below = group[key], f"{label}/{key}".lstrip("/")
        if isinstance(item, h5py.Dataset):
            inner.append(FileLayer(below, slot=key, arrays=(FileArray(below, "", key, item[()]),)))
        elif key == "vars" and not any(isinstance(item[each], h5py.Group) for each in item):
            name = text_attribute(item, "name")
            arrays = _own_arrays(item, below)
        elif key in SEED_GROUPS or (key in TRAINING and (not label or _is_model(group))):
            ignored.append(below)
        else:
            layer = _tree_layer(item, below, ignored, seen)
            if layer.arrays or layer.inner:
                inner.append(layer)
    return FileLayer(label, name, label.rpartition("/")[2], arrays, tuple(inner))


def _is_model(group: h5py.Group) -> bool:
    """True for a model within the model, which may have been compiled on its own."""
    return "layers" in group or "_layer_checkpoint_dependencies" in group


def _own_arrays(group: h5py.Group, label: str) -> tuple[FileArray, ...]:
    """The arrays of `vars`: 0, 1, ... 10; a lookup layer gives its one array a name."""
    keys = sorted(group, key=lambda key: (not key.isdecimal(), int(key) if key.isdecimal() else 0))
    return tuple(
        FileArray(f"{label}/{key}", "", "" if key.isdecimal() else key, _read(group, key))
        for key in keys
    )


def _read(group: h5py.Group, name: str) -> np.ndarray:
    dataset = group.get(name)
    if not isinstance(dataset, h5py.Dataset):
        raise FileBroken(Path(group.file.filename).name, f"array '{group.name}/{name}' is missing")
    value = np.asarray(dataset[()])
    is_bfloat16 = text_attribute(dataset, "dtype") == "bfloat16" and value.dtype.itemsize == 2
    return _from_bfloat16(value) if is_bfloat16 and value.dtype.kind == "V" else value


def _from_bfloat16(value: np.ndarray) -> np.ndarray:
    """NumPy has no bfloat16; it is the upper half of a float32."""
    halves = np.frombuffer(value.tobytes(), np.dtype("<u2")).reshape(value.shape)
    return (halves.astype("<u4") << 16).view("<f4")


def _address(item: h5py.Group | h5py.Dataset) -> int:
    return int(h5py.h5o.get_info(item.id).addr)
