"""Models that multiply four numbers by a factor, so that an answer tells which version gave it.

Keras makes one of them and the service compiles it, once; the others are copies, with another
factor both in the file and in the compiled form. Small whole numbers stay exact all the way.
"""

import io
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import onnx
from onnx import numpy_helper

from service.base.compiled import (
    ONNX_FILE,
    RECORD,
    cache_key,
    digest_file,
    digest_tree,
    read_compiled,
)
from service.base.golden import GOLDEN_FILE

SOURCE, STATE, KERNEL = "model.h5", "state", "y"
NUMBERS = 4
ROW = (1.0, 2.0, 3.0, 4.0)
BODY = b'{"instances": [[1.0, 2.0, 3.0, 4.0]]}'
MAKING_S = 240.0


def answer_of(factor: int) -> list[float]:
    """What a model with this factor predicts for `ROW`."""
    return [number * factor for number in ROW]


class Scaled:
    """A prototype in a folder, and its copies; `units` squared are most of its weights."""

    def __init__(self, folder: Path, units: int = 8) -> None:
        self._folder = folder
        self._units = units

    def make(self) -> None:
        """Make the prototype in a child process, for it takes TensorFlow."""
        command = [sys.executable, "-m", "benchmarks.make_scaled"]
        subprocess.run(
            [*command, str(self._folder), str(self._units)],
            check=True,
            capture_output=True,
            timeout=MAKING_S,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
        )

    def file(self, factor: int) -> Path:
        """The model file with this factor."""
        path = self._folder / "files" / f"{factor}.h5"
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            shutil.copy(self._folder / SOURCE, path)
            with h5py.File(path, "r+") as opened:
                _kernel(opened)[...] = self._matrix(factor)
        return path

    def publish(self, version: Path, factor: int) -> None:
        """Put the file into a version's folder, which appears at once and whole."""
        aside = version.with_name(f".{version.name}")
        aside.mkdir(parents=True)
        shutil.copy(self.file(factor), aside / SOURCE)
        aside.rename(version)

    def give(self, state_dir: Path, factor: int) -> None:
        """Put the compiled form into a service's cache, so that nothing needs to be compiled."""
        compiled = self._compiled(factor)
        target = state_dir / "compiled" / compiled.name
        if not target.exists():
            shutil.copytree(compiled, target)

    def _compiled(self, factor: int) -> Path:
        key = cache_key({SOURCE: digest_file(self.file(factor))})
        target = self._folder / "compiled" / key
        if not target.exists():
            (prototype,) = (self._folder / STATE / "compiled").iterdir()
            shutil.copytree(prototype, target)
            _scale_onnx(target / ONNX_FILE, self._matrix(factor))
            _scale_golden(target / GOLDEN_FILE, factor)
            record = read_compiled(target)
            (target / RECORD).unlink()
            replace(record, key=key, files=digest_tree(target)).write(target)
        return target

    def _matrix(self, factor: int) -> np.ndarray:
        return factor * np.eye(self._units, NUMBERS, dtype="float32")


def _kernel(opened: h5py.File) -> h5py.Dataset:
    found: list[h5py.Dataset] = []

    def look(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and f"/{KERNEL}/" in f"/{name}":
            found.append(item)

    opened["model_weights"].visititems(look)
    (kernel,) = found
    return kernel


def _scale_onnx(path: Path, matrix: np.ndarray) -> None:
    model = onnx.load(path)
    (kernel,) = [each for each in model.graph.initializer if tuple(each.dims) == matrix.shape]
    kernel.CopyFrom(numpy_helper.from_array(matrix, kernel.name))
    onnx.save(model, path)


def _scale_golden(path: Path, factor: int) -> None:
    with np.load(io.BytesIO(path.read_bytes())) as stored:
        arrays = dict(stored)
    arrays["y_0"] = arrays["y_0"] * np.float32(factor)
    np.savez_compressed(path, **arrays)
