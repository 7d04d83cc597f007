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
    """Write the model and its compiled form; `units` is how wide its hidden layer is."""
    hidden = layers.Dense(units, use_bias=False, name="hidden")
    last = layers.Dense(NUMBERS, use_bias=False, name=KERNEL)
    model = keras.Sequential([keras.Input((NUMBERS,), name="x"), hidden, last])
    hidden.set_weights([np.eye(NUMBERS, units, dtype="float32")])
    last.set_weights([np.eye(units, NUMBERS, dtype="float32")])
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / SOURCE)
    command = [sys.executable, "-m", "service.cli.main", "compile", str(folder / SOURCE)]
    subprocess.run([*command, "--state-dir", str(folder / STATE)], check=True)


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]))
