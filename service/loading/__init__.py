"""Every Keras format: look at a file without TensorFlow, build it, compile it, verify it.

All of it runs in child processes that may be killed; nothing above imports TensorFlow.
"""
