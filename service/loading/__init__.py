"""Every Keras format, from files to a compiled version.

inspection       what the files are; `architecture` and `inspected` complete it, no TensorFlow
  files/         HDF5, archives, checkpoints: bytes to numbers
  saved_model/   graphs instead of configurations
  allow_list/    what may be named
  sizes/         how large it would be
upgrade/         a configuration of Keras 1 or 2 in the words of Keras 3, and which era it is of
build            the model, by Keras 3; `fallback` by tf_keras; `building` is of both
  weights/       which array goes where
  custom, vouched, legacy_layers, theano_layers, time_distributed: classes beside Keras' own
tracing/         a function that is run, converted to ONNX and proved
saved_training   how a file says that its model was compiled, and its optimizer's state
compiling        all of it for one version, in the process of `child`; `modern_file` writes .keras
exported         what TensorFlow serves, read back by `tensorflow_server`

All of it runs in child processes that may be killed; nothing above imports TensorFlow.
"""
