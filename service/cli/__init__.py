"""The command line: the door to everything. Nothing here imports TensorFlow."""
