"""The measured model: a small perceptron, its ONNX twin, sample rows and Keras's own answers.

Run as a child process, `python -m benchmarks.model FOLDER`, so that the process that measures
never has TensorFlow in it.
"""

import sys
from pathlib import Path

import numpy as np

NAME = "mlp"
FEATURES = 784
SAMPLES = 256
KERAS_FILE = f"repository/{NAME}.h5"
ONNX_FILE = f"{NAME}.onnx"
ROWS_FILE = "rows.npy"
TRUTH_FILE = "truth.npy"


def make(folder: Path) -> None:
    """Write the model in both formats, the rows and the answers below `folder`."""
    import keras
    import tensorflow as tf
    import tf2onnx

    keras.utils.set_random_seed(0)
    layer = keras.layers.Dense
    model = keras.Sequential(
        [
            keras.Input((FEATURES,)),
            *(layer(units, "relu") for units in (32, 64, 128)),
            layer(10, "softmax"),
        ],
        name=NAME,
    )
    # Four decimals survive the way through JSON text unchanged.
    rows = np.round(np.random.default_rng(0).random((SAMPLES, FEATURES)), 4).astype(np.float32)
    (folder / KERAS_FILE).parent.mkdir()
    model.save(folder / KERAS_FILE)
    np.save(folder / ROWS_FILE, rows)
    np.save(folder / TRUTH_FILE, np.asarray(model(rows, training=False)))

    signature = [tf.TensorSpec((None, FEATURES), tf.float32, name="rows")]
    call = tf.function(lambda batch: model(batch, training=False), input_signature=signature)
    tf2onnx.convert.from_function(
        call, input_signature=signature, output_path=str(folder / ONNX_FILE)
    )


if __name__ == "__main__":
    make(Path(sys.argv[1]))
