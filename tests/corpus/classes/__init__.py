"""Our own implementations of the classes that corpus files name; for both Keras 3 and tf_keras."""
