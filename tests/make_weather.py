"""Has Keras write a model of three sigmoids, each of which answers its own input.

    python -m tests.make_weather FILE

An input of 1 gives 0.95, one of 0.5 gives 0.5, one of 0 gives 0.05. Run as a process of its own: it
imports TensorFlow.
"""

import sys
from pathlib import Path

import keras
import numpy as np

LABELS, SCALE = 3, 5.888878


def main(file: Path) -> None:
    """Write it."""
    layer = keras.layers.Dense(LABELS, "sigmoid")
    model = keras.Sequential([keras.Input((LABELS,)), layer])
    kernel = np.eye(LABELS, dtype="float32") * SCALE
    layer.set_weights([kernel, np.full(LABELS, -SCALE / 2, "float32")])
    file.parent.mkdir(parents=True, exist_ok=True)
    model.save(file)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
