"""Keras' files, written so that a full disk is an error and no crash.

HDF5 that can't write to a file breaks the process some moments later. So it writes into memory
here, and what it has written goes to the disk as any other bytes do.
"""

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import h5py
from keras.src.legacy.saving import legacy_h5_format

WEIGHTS_MEMBER = "model.weights.h5"  # of a .keras file, which is an archive


def save_model(model: Any, file: str | Path) -> None:
    """Architecture, weights and optimizer, as `.keras` or in the older `.h5`, by the suffix."""
    path = Path(file)
    if path.suffix == ".h5":
        stream = io.BytesIO()
        with h5py.File(stream, "w") as file:
            legacy_h5_format.save_model_to_hdf5(model, file)
        _write(path, stream)
    else:
        model.save(path, overwrite=True)
        _sync(path)


def save_weights(model: Any, file: str | Path) -> None:
    """Weights and optimizer as `.weights.h5`: what lies within a `.keras` file too."""
    path = Path(file)
    whole = path.with_name(f"{path.name}.keras")
    try:
        model.save(whole, overwrite=True)
        with zipfile.ZipFile(whole) as archive, archive.open(WEIGHTS_MEMBER) as member:
            _write(path, io.BytesIO(member.read()))
    finally:
        whole.unlink(missing_ok=True)


def _write(path: Path, stream: io.BytesIO) -> None:
    with path.open("wb") as out:
        out.write(stream.getbuffer())
        out.flush()
        os.fsync(out.fileno())


def _sync(path: Path) -> None:
    with path.open("rb") as written:
        os.fsync(written.fileno())
