"""TensorFlow Serving's REST protocol, version 1, with KServe's own keys on the same routes."""
