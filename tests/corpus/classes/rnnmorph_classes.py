"""The layer that rnnmorph's models name; works with Keras 3 and with tf_keras."""

from typing import Any

import keras
import tensorflow as tf


class ReversedLSTM(keras.layers.LSTM):
    """An LSTM that reads a sequence from its end, and answers in the sequence's own order."""

    def __init__(self, units: int, **settings: Any) -> None:
        super().__init__(units, **{**settings, "go_backwards": True})

    # Keras 3 tells the inputs by this argument's name, tf_keras by its place.
    def call(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: Any = None
    ) -> Any:
        backwards = super().call(
            sequences, initial_state=initial_state, mask=mask, training=training
        )
        return tf.reverse(backwards, axis=[1])
