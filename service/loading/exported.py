"""A version that TensorFlow runs: the traced function as it was exported, read back."""

from pathlib import Path

import tensorflow as tf

from service.base.compiled import SAVED_MODEL, Compiled, read_compiled, read_verified, verify_files
from service.base.golden import GOLDEN_FILE, replay
from service.base.signature import Tensors


class LoadedGraph:
    """One exported version, its digests checked before TensorFlow sees it."""

    def __init__(self, folder: Path) -> None:
        self.compiled: Compiled = read_compiled(folder)
        verify_files(folder, self.compiled)
        self._module = tf.saved_model.load(str(folder / SAVED_MODEL))
        if GOLDEN_FILE in self.compiled.files:
            golden = read_verified(folder, self.compiled, GOLDEN_FILE)
            replay(golden, self.compiled.signature, self.run, folder.name)

    def run(self, inputs: Tensors) -> Tensors:
        """The outputs for a batch, by name."""
        specs = self.compiled.signature.inputs
        tensors = [tf.constant(inputs[spec.name], dtype=spec.dtype) for spec in specs]
        try:
            outputs = tf.nest.flatten(self._module.serve(*tensors))
        except tf.errors.InvalidArgumentError as error:
            raise ValueError(error.message) from error
        names = [spec.name for spec in self.compiled.signature.outputs]
        return {name: output.numpy() for name, output in zip(names, outputs, strict=True)}
