"""How a file says that its model was compiled, and its optimizer's state: to go on training from.

Only read, never given to Keras: whoever trains takes from it the names that it knows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from service.base.refusals import FileRefused
from service.base.strict_json import Json, parse_object
from service.loading.building import WEIGHTS_MEMBER
from service.loading.files.archive import open_archive
from service.loading.files.hdf5 import list_attribute, open_hdf5, text_attribute
from service.loading.inspected import Inspection

LEGACY_GROUP = "optimizer_weights"
GROUP = "optimizer/vars"


@dataclass(frozen=True, slots=True)
class SavedArray:
    """One array of an optimizer's state; a `.keras` file has a number for its name."""

    name: str
    value: np.ndarray


@dataclass(frozen=True, slots=True)
class SavedTraining:
    """A training configuration of any era, and the optimizer's arrays in the file's order.

    `fault` says why there are none where the file has some.
    """

    config: Json = field(default_factory=dict)
    arrays: tuple[SavedArray, ...] = ()
    fault: str = ""


def read_saved_training(inspection: Inspection, files: Mapping[str, Path]) -> SavedTraining:
    """What the inspected files tell of training; empty where they don't.

    What can't be read is no reason to refuse the model: it counts as not there.
    """
    try:
        if inspection.format == "keras":
            return _of_archive(files[inspection.architecture_file])
        found = _of_hdf5(files[inspection.weights_file])
    except (FileRefused, OSError, ValueError) as error:
        return SavedTraining(fault=str(error))
    if inspection.format == "json+weights" and not found.config:
        return SavedTraining(_of_architecture(inspection.config), found.arrays, found.fault)
    return found


def _of_archive(path: Path) -> SavedTraining:
    with open_archive(path) as archive:
        record = parse_object(archive.read("config.json"))
        with archive.extracted(WEIGHTS_MEMBER) as weights, open_hdf5(weights) as file:
            group = file.get(GROUP)
            names = sorted(group, key=_number) if isinstance(group, h5py.Group) else []
            return _found(_object(record.get("compile_config")), group, names)


def _of_hdf5(path: Path) -> SavedTraining:
    if not h5py.is_hdf5(path):
        return SavedTraining()  # a checkpoint
    with open_hdf5(path) as file:
        text = text_attribute(file, "training_config")
        group = file.get(LEGACY_GROUP)
        names = list_attribute(group, "weight_names") if isinstance(group, h5py.Group) else []
        found = _found({}, group, names)
    try:
        return replace(found, config=parse_object(text) if text else {})
    except ValueError as error:
        return SavedTraining(fault=f"its training configuration can't be read: {error}")


def _of_architecture(record: Json) -> Json:
    """Some wrote how the model was compiled into the architecture's JSON."""
    return record if "loss" in record else {}


def _found(config: Json, group: Any, names: list[str]) -> SavedTraining:
    arrays = []
    for name in names:
        item = group.get(name)
        if not isinstance(item, h5py.Dataset):
            return SavedTraining(config, fault=f"the optimizer's array {name} is missing")
        arrays.append(SavedArray(name, np.asarray(item[()])))
    return SavedTraining(config, tuple(arrays))


def _number(name: str) -> tuple[bool, int, str]:
    return (not name.isdecimal(), int(name) if name.isdecimal() else 0, name)


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}
