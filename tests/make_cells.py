"""Has Keras write a model that has seen a fifth of the rows of `cells.py` only.

    python -m tests.make_cells FILE

Run as a process of its own: it imports TensorFlow.
"""

import sys
from pathlib import Path

import keras

from tests.cells import portions

EPOCHS, BATCH = 30, 16


def main(file: Path) -> None:
    """Write it."""
    keras.utils.set_random_seed(2)
    seen, *_ = portions()
    scale = keras.layers.Normalization()
    scale.adapt(seen.inputs)
    layers = [scale, keras.layers.Dense(16, "relu"), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential([keras.Input((seen.inputs.shape[1],), name="cells"), *layers])
    model.compile(keras.optimizers.Adam(0.002), "binary_crossentropy", metrics=["accuracy"])
    model.fit(seen.inputs, seen.truths, BATCH, EPOCHS, verbose=0)
    file.parent.mkdir(parents=True, exist_ok=True)
    model.save(file)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
