"""A loaded version that answers: ONNX Runtime in this process, or a proxy to TensorFlow's."""
