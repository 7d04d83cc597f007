"""The layer that crema's chord model names; works with Keras 3 and with tf_keras."""

from typing import Any

import keras
import tensorflow as tf


class SqueezeLayer(keras.layers.Layer):
    """Take away one axis, whose length is 1."""

    def __init__(self, axis: int = -1, **settings: Any) -> None:
        super().__init__(**settings)
        self.axis = axis

    def call(self, inputs: Any) -> Any:
        return tf.squeeze(inputs, axis=self.axis)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}
