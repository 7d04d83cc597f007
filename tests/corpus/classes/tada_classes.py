"""The layer that TADA's model names; it has a built-in layer's name and other arguments."""

from typing import Any

import keras
import tensorflow as tf


class Attention(keras.layers.Layer):
    """Weigh the steps of a sequence by a learned score; give them back, or their sum."""

    def __init__(self, return_sequences: bool = True, **settings: Any) -> None:
        super().__init__(**settings)
        self.return_sequences = return_sequences

    def build(self, input_shape: Any) -> None:
        steps, width = input_shape[1], input_shape[-1]
        self.score = self.add_weight(
            name="att_weight", shape=(width, 1), initializer="glorot_uniform"
        )
        self.offset = self.add_weight(name="att_bias", shape=(steps, 1), initializer="zeros")
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        scores = tf.tanh(tf.tensordot(inputs, self.score, axes=1) + self.offset)
        weighed = inputs * tf.nn.softmax(scores, axis=1)
        return weighed if self.return_sequences else tf.reduce_sum(weighed, axis=1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "return_sequences": self.return_sequences}
