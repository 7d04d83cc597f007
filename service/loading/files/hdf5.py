"""Read an HDF5 file without being led out of it: checked whole before anything is read."""

import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np

from service.base.refusals import FileBroken
from service.loading.files.hdf5_rules import check_bytes, check_contents, datasets, read_attribute

# What h5py raises while it reads a damaged file.
DAMAGE = (OSError, RuntimeError, LookupError, ValueError, TypeError, ArithmeticError, struct.error)

Kind = Literal["whole", "legacy_weights", "keras3_weights", "other"]


@dataclass(frozen=True, slots=True)
class LayerArrays:
    """The arrays of one layer in a legacy file, in the file's order."""

    layer: str
    names: tuple[str, ...]
    arrays: tuple[np.ndarray, ...]


@contextmanager
def open_hdf5(path: Path) -> Iterator[h5py.File]:
    """Open for reading, once everything in it was checked. Raises FileBroken or FileUnsafe.

    Damage that shows only while the file is being read is FileBroken, too.
    """
    try:
        check_bytes(path)
        with h5py.File(path, "r") as file:
            check_contents(file, path)
            yield file
    except DAMAGE as error:
        why = "the HDF5 file is damaged or incomplete"
        raise FileBroken(path.name, f"{why} ({_first_line(error)})") from error


def kind_of_hdf5(file: h5py.File) -> Kind:
    """What the file holds, by its contents."""
    if "model_config" in file.attrs:
        return "whole"
    if has_list(file, "layer_names"):
        return "legacy_weights"
    if {"layers", "_layer_checkpoint_dependencies", "vars"} & set(file):
        return "keras3_weights"
    return "other"


def weights_group(file: h5py.File, name: str) -> h5py.Group:
    """Where the weights are: one group of a whole model, all of a weights file.

    Raises FileBroken when a whole model has no such group, or when a listed array isn't there.
    """
    is_whole = kind_of_hdf5(file) == "whole"
    group = file.get("model_weights") if is_whole else file
    if not isinstance(group, h5py.Group):
        raise FileBroken(name, "has an architecture, but the group model_weights is missing")
    for _ in _listed(group):
        pass
    return group


def text_attribute(group: h5py.Group, name: str) -> str:
    """An attribute as text, whichever way it was written; empty where there is none."""
    value = read_attribute(group, name) if name in group.attrs else ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value).encode("utf-8", "replace").decode()  # h5py keeps wrong bytes as surrogates


def has_list(group: h5py.Group, name: str) -> bool:
    """True for a list attribute, whole or split into numbered chunks."""
    return name in group.attrs or f"{name}0" in group.attrs


def list_attribute(group: h5py.Group, name: str) -> list[str]:
    """A list of names; long ones were split into `name0`, `name1`, ... by Keras.

    Raises FileBroken when it is no list of names, when one stands in it twice, or one is a path.
    """
    values: list[Any] = []
    chunks = [name] if name in group.attrs else []
    while f"{name}{len(chunks)}" in group.attrs and name not in group.attrs:
        chunks.append(f"{name}{len(chunks)}")
    for chunk in chunks:
        value = np.asarray(read_attribute(group, chunk))
        if value.ndim != 1 or (value.size and value.dtype.kind not in "SUO"):
            raise FileBroken(_file_name(group), f"{chunk} is no list of names")
        values.extend(value.tolist())
    names = [_name(group, name, value) for value in values]
    twice = next((text for text, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise FileBroken(_file_name(group), f"{name} lists '{twice}' {names.count(twice)} times")
    return names


def legacy_layers(weights: h5py.Group) -> list[LayerArrays]:
    """The layers of a legacy weights group that have arrays, in the file's order.

    Raises FileBroken when a listed array isn't there.
    """
    return [
        LayerArrays(layer, tuple(found), tuple(_read(dataset) for dataset in found.values()))
        for layer, found in _listed(weights)
        if found
    ]


def count_elements(group: h5py.Group) -> int:
    """How many numbers lie below a group: the parameters, if it holds weights."""
    return sum(dataset.size or 0 for _, dataset in datasets(group))


def _listed(weights: h5py.Group) -> Iterator[tuple[str, dict[str, h5py.Dataset]]]:
    """Each layer that a legacy group lists, with its arrays by name, none of them read yet."""
    file_name = _file_name(weights)
    for layer in list_attribute(weights, "layer_names"):
        group = weights.get(layer)
        if not isinstance(group, h5py.Group):
            raise FileBroken(file_name, f"layer '{layer}' is listed but missing")
        found = {name: group.get(name) for name in list_attribute(group, "weight_names")}
        for name, dataset in found.items():
            if not isinstance(dataset, h5py.Dataset):
                raise FileBroken(file_name, f"array '{layer}/{name}' is missing")
        yield layer, found


def _name(group: h5py.Group, attribute: str, value: Any) -> str:
    """A name out of a list; parts between slashes are allowed, ways out of the group are not."""
    try:
        text = value.decode("utf-8") if isinstance(value, bytes) else str(value)
        text.encode()
    except UnicodeError:
        raise FileBroken(_file_name(group), f"{attribute} has a name that is no UTF-8") from None
    if not text or text.startswith("/") or {".", ".."} & set(text.split("/")):
        raise FileBroken(_file_name(group), f"{attribute} has the path '{text}' for a name")
    return text


def _read(dataset: h5py.Dataset) -> np.ndarray:
    try:
        return np.asarray(dataset[()])
    except OSError as error:
        name = _file_name(dataset)
        raise FileBroken(name, f"array '{dataset.name}' can't be read: {error}") from error


def _file_name(item: h5py.Group | h5py.Dataset) -> str:
    return Path(item.file.filename).name


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
