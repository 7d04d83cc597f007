"""From a built model to a function that is run, converted to ONNX and proved."""
