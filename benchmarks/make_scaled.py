"""Has Keras make a model that multiplies by one, and the service compile it.

Run as a child process, `python -m benchmarks.make_scaled FOLDER UNITS`: see `scaled.py`.
"""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
from keras import layers

from benchmarks.scaled import KERNEL, NUMBERS, SOURCE, STATE


def make(folder: Path, units: int) -> None:
    """Write the model and its compiled form; most of it is a layer of `units` times `units`."""
    first = layers.Dense(units, use_bias=False, name="first")
    square = layers.Dense(units, use_bias=False, name="square")
    last = layers.Dense(NUMBERS, use_bias=False, name=KERNEL)
    model = keras.Sequential([keras.Input((NUMBERS,), name="x"), first, square, last])
    for layer, shape in (
        (first, (NUMBERS, units)),
        (square, (units, units)),
        (last, (units, NUMBERS)),
    ):
        layer.set_weights([np.eye(*shape, dtype="float32")])
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / SOURCE)
    command = [sys.executable, "-m", "service.cli.main", "compile", str(folder / SOURCE)]
    subprocess.run([*command, "--state-dir", str(folder / STATE)], check=True)


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]))
