"""Divided rows on the disk, one file an array: how they go from process to process."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from service.base.durable import sync
from service.base.signature import Tensors
from service.data.dividing import Divided, Part

ROWS = "rows.json"
CHUNK_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class StoredRows:
    """The rows of one part, read from the disk as they are used."""

    inputs: Tensors
    labels: np.ndarray
    weights: np.ndarray | None


def save_divided(divided: Divided, folder: Path) -> None:
    """Write all parts and their facts into a new folder, down to the disk."""
    folder.mkdir()
    parts = {name: _save(part, name, folder) for name, part in divided.parts.items()}
    record = {"parts": parts, "facts": divided.facts}
    (folder / ROWS).write_bytes(orjson.dumps(record))
    for path in folder.iterdir():
        sync(path)
    sync(folder)


def open_divided(folder: Path) -> tuple[Mapping[str, StoredRows], dict[str, Any]]:
    """The parts that `save_divided` wrote, and their facts."""
    record = orjson.loads((folder / ROWS).read_bytes())

    def array(name: str) -> np.ndarray:
        values: np.ndarray = np.load(folder / name, mmap_mode="r", allow_pickle=False)
        return values

    parts = {
        name: StoredRows(
            {spec: array(file) for spec, file in kept["inputs"].items()},
            array(kept["labels"]),
            array(kept["weights"]) if kept["weights"] else None,
        )
        for name, kept in record["parts"].items()
    }
    return parts, record["facts"]


def _save(part: Part, name: str, folder: Path) -> dict[str, Any]:
    inputs = {}
    for number, (spec, values) in enumerate(part.data.inputs.items()):
        inputs[spec] = f"{name}-input-{number}.npy"  # an input's name is no name of a file
        _write(values, part.rows, folder / inputs[spec])
    labels, weights = f"{name}-labels.npy", f"{name}-weights.npy"
    _write(part.data.labels, part.rows, folder / labels)
    if part.data.weights is not None:
        _write(part.data.weights, part.rows, folder / weights)
    return {
        "inputs": inputs,
        "labels": labels,
        "weights": weights if part.data.weights is not None else "",
    }


def _write(values: np.ndarray, rows: np.ndarray | None, path: Path) -> None:
    """Some rows of an array, a few megabytes at a time."""
    count = len(values) if rows is None else len(rows)
    shape = (count, *values.shape[1:])
    with path.open("wb") as stream:
        header = {"descr": values.dtype.str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(stream, header)
        step = max(CHUNK_BYTES // max(values[:1].nbytes, 1), 1)
        for start in range(0, count, step):
            end = start + step
            piece = values[start:end] if rows is None else values[rows[start:end]]
            stream.write(np.ascontiguousarray(piece).data)
