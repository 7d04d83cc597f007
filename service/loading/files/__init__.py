"""The formats of files, read within bounds and without TensorFlow."""
