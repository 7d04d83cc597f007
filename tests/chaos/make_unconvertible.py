"""Has TensorFlow write a model that multiplies by a number and that ONNX can't express.

    python -m tests.chaos.make_unconvertible FOLDER FACTOR

Run as a process of its own: it imports TensorFlow.
"""

import subprocess
import sys
from pathlib import Path

import tensorflow as tf

from benchmarks.scaled import NUMBERS


def make(folder: Path, factor: int) -> None:
    """Write the model to `model/` and its compiled form to `state/`."""
    signature = [tf.TensorSpec((None, NUMBERS), tf.float32, name="x")]

    def multiply(x: tf.Tensor) -> dict[str, tf.Tensor]:
        texts = tf.strings.regex_replace(tf.strings.as_string(x), "a", "b")
        return {"y": tf.strings.to_number(texts) * float(factor)}

    module = tf.Module()
    module.serve = tf.function(multiply, input_signature=signature)
    signatures = {"serving_default": module.serve}
    tf.saved_model.save(module, str(folder / "model"), signatures=signatures)
    command = [sys.executable, "-m", "service.cli.main", "compile", str(folder / "model")]
    subprocess.run([*command, "--state-dir", str(folder / "state")], check=True)


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]))
