"""A checked data set on the disk, one file an array: how it goes from process to process."""

from pathlib import Path
from typing import Any

import numpy as np

from service.base.signature import Tensors
from service.data.dataset import Dataset

LABELS = "labels.npy"


def save_dataset(dataset: Dataset, folder: Path) -> dict[str, Any]:
    """Write the arrays into a new folder; what is returned finds them again."""
    folder.mkdir()
    inputs = {}
    for number, (name, values) in enumerate(dataset.inputs.items()):
        inputs[name] = f"input-{number}.npy"  # an input's name is no name of a file
        np.save(folder / inputs[name], values, allow_pickle=False)
    np.save(folder / LABELS, dataset.labels, allow_pickle=False)
    return {"inputs": inputs, "rows": dataset.rows, "counts": dict(dataset.counts)}


def open_dataset(folder: Path, record: dict[str, Any]) -> Dataset:
    """The data set that `save_dataset` wrote, read from the disk as it is used."""

    def array(name: str) -> np.ndarray:
        values: np.ndarray = np.load(folder / name, mmap_mode="r", allow_pickle=False)
        return values

    inputs: Tensors = {name: array(file) for name, file in record["inputs"].items()}
    return Dataset(inputs, array(LABELS), int(record["rows"]), record["counts"])
