"""SavedModels: looked at without TensorFlow, then frozen and traced with it."""
