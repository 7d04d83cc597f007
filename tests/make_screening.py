"""Has Keras write a binary model whose answer is its input: 0.9 and above for 1, below 0.1 for 0.

    python -m tests.make_screening FILE

Run as a process of its own: it imports TensorFlow.
"""

import sys
from pathlib import Path

import keras
import numpy as np

KERNEL, BIAS = 6.0, -3.0


def main(file: Path) -> None:
    """Write it."""
    layer = keras.layers.Dense(1, "sigmoid")
    model = keras.Sequential([keras.Input((1,)), layer])
    layer.set_weights([np.array([[KERNEL]], "float32"), np.array([BIAS], "float32")])
    file.parent.mkdir(parents=True, exist_ok=True)
    model.save(file)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
