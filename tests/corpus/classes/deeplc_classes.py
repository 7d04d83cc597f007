"""The activation that DeepLC's files name by a name that no function can have."""

from typing import Any

import tensorflow as tf


def clipped_leaky_relu(inputs: Any) -> Any:
    """A tenth of what is negative, and at most 20."""
    return tf.minimum(tf.where(inputs > 0, inputs, 0.1 * inputs), 20.0)


CUSTOM_OBJECTS = {"<lambda>": clipped_leaky_relu}
