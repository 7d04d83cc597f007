"""Read an HDF5 file without being led out of it: hard links only, plain storage, sizes first."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np

from service.base.errors import FileBroken, FileUnsafe

MAX_DATASETS = 100_000
MAX_DECLARED_BYTES = 4 * 1024**3
MAX_EXPANSION = 1100  # gzip of nothing but zeros reaches about 1030
# What h5py raises while it reads a damaged file.
DAMAGE = (OSError, RuntimeError, KeyError, UnicodeError)
FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}

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
        with h5py.File(path, "r") as file:
            _check(file, path)
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

    Raises FileBroken when a whole model has no such group.
    """
    if kind_of_hdf5(file) != "whole":
        return file
    group = file.get("model_weights")
    if not isinstance(group, h5py.Group):
        raise FileBroken(name, "has an architecture, but the group model_weights is missing")
    return group


def text_attribute(group: h5py.Group, name: str) -> str:
    """An attribute as text, whichever way it was written; empty where there is none."""
    value = group.attrs.get(name, "")
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def has_list(group: h5py.Group, name: str) -> bool:
    """True for a list attribute, whole or split into numbered chunks."""
    return name in group.attrs or f"{name}0" in group.attrs


def list_attribute(group: h5py.Group, name: str) -> list[str]:
    """A list of names; long ones were split into `name0`, `name1`, ... by Keras."""
    values: list[Any] = []
    if name in group.attrs:
        values = list(group.attrs[name])
    else:
        chunk = 0
        while f"{name}{chunk}" in group.attrs:
            values.extend(group.attrs[f"{name}{chunk}"])
            chunk += 1
    return [value.decode("utf-8") if isinstance(value, bytes) else str(value) for value in values]


def legacy_layers(weights: h5py.Group) -> list[LayerArrays]:
    """The layers of a legacy weights group that have arrays, in the file's order.

    Raises FileBroken when a listed array isn't there.
    """
    layers = []
    file_name = Path(weights.file.filename).name
    for layer in list_attribute(weights, "layer_names"):
        group = weights.get(layer)
        if not isinstance(group, h5py.Group):
            raise FileBroken(file_name, f"layer '{layer}' is listed but missing")
        names = list_attribute(group, "weight_names")
        arrays = []
        for name in names:
            dataset = group.get(name)
            if not isinstance(dataset, h5py.Dataset):
                raise FileBroken(file_name, f"array '{layer}/{name}' is missing")
            arrays.append(_read(dataset))
        if arrays:
            layers.append(LayerArrays(layer, tuple(names), tuple(arrays)))
    return layers


def count_elements(group: h5py.Group) -> int:
    """How many numbers lie below a group: the parameters, if it holds weights."""
    return sum(dataset.size or 0 for _, dataset in _datasets(group))


def _read(dataset: h5py.Dataset) -> np.ndarray:
    try:
        return np.asarray(dataset[()])
    except OSError as error:
        name = Path(dataset.file.filename).name
        raise FileBroken(name, f"array '{dataset.name}' can't be read: {error}") from error


def _check(file: h5py.File, path: Path) -> None:
    hazards: list[str] = []
    declared = 0
    size = path.stat().st_size
    for count, (name, item) in enumerate(_datasets(file, hazards)):
        if count > MAX_DATASETS:
            raise FileBroken(path.name, f"more than {MAX_DATASETS} arrays")
        hazards.extend(_dataset_hazards(name, item))
        declared += item.nbytes if item.dtype.kind != "O" else 0
    if hazards:
        raise FileUnsafe(path.name, hazards[:5])
    if declared > min(MAX_DECLARED_BYTES, MAX_EXPANSION * size):
        raise FileBroken(path.name, f"declares {declared} bytes of arrays in a file of {size}")


def _dataset_hazards(name: str, dataset: h5py.Dataset) -> Iterator[str]:
    if dataset.external:
        yield f"array '{name}' takes its data from another file"
    if dataset.is_virtual:
        yield f"array '{name}' is a virtual dataset"
    create = dataset.id.get_create_plist()
    filters = {create.get_filter(index)[0] for index in range(create.get_nfilters())}
    if filters - FILTERS:
        yield f"array '{name}' needs the unknown HDF5 filter {sorted(filters - FILTERS)}"


def _datasets(
    group: h5py.Group, hazards: list[str] | None = None
) -> Iterator[tuple[str, h5py.Dataset]]:
    """Every array below a group over hard links, each group once; other links are hazards."""
    pending, seen = [group], set()
    while pending:
        current = pending.pop()
        for key in current:
            link = current.get(key, getlink=True)
            name = f"{current.name.rstrip('/')}/{key}"
            if not isinstance(link, h5py.HardLink):
                if hazards is not None:
                    hazards.append(f"'{name}' is a link to somewhere else ({type(link).__name__})")
                continue
            item = current.get(key)
            if isinstance(item, h5py.Dataset):
                yield name, item
            elif isinstance(item, h5py.Group) and item.id not in seen:
                seen.add(item.id)
                pending.append(item)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
