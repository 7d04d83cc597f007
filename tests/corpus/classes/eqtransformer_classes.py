"""The layers that EQTransformer's models name; they work with Keras 3 and with tf_keras.

How weights begin and what holds them while a model learns is left aside: serving needs neither.
"""

from typing import Any

import keras
import tensorflow as tf

TINY = 1e-7
OF_TRAINING = ("_initializer", "_regularizer", "_constraint", "_regularizer_weight")


class LayerNormalization(keras.layers.Layer):
    """Normalization over the last axis, with an epsilon far below that of Keras."""

    def __init__(
        self,
        center: bool = True,
        scale: bool = True,
        epsilon: float = TINY * TINY,
        **settings: Any,
    ) -> None:
        super().__init__(**_without_training(settings))
        self.center, self.scale, self.epsilon = center, scale, epsilon

    def build(self, input_shape: Any) -> None:
        width = (input_shape[-1],)
        if self.scale:
            self.gamma = self.add_weight(name="gamma", shape=width)
        if self.center:
            self.beta = self.add_weight(name="beta", shape=width)
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        centred = inputs - tf.reduce_mean(inputs, axis=-1, keepdims=True)
        variance = tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True)
        outputs = centred / tf.sqrt(variance + self.epsilon)
        outputs = outputs * self.gamma if self.scale else outputs
        return outputs + self.beta if self.center else outputs


class FeedForward(keras.layers.Layer):
    """Two dense layers at each position, the first with an activation."""

    def __init__(
        self, units: int, activation: Any = "relu", use_bias: bool = True, **settings: Any
    ) -> None:
        settings.pop("dropout_rate", None)
        super().__init__(**_without_training(settings))
        self.units, self.use_bias = units, use_bias
        self.activation = keras.activations.get(activation)

    def build(self, input_shape: Any) -> None:
        width = int(input_shape[-1])
        self.inner = self._weights(1, (width, self.units))
        self.outer = self._weights(2, (self.units, width))
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        hidden = self.activation(_dense(inputs, *self.inner))
        return _dense(hidden, *self.outer)

    def _weights(self, number: int, shape: tuple[int, int]) -> list[Any]:
        kernel = self.add_weight(name=f"{self.name}_W{number}", shape=shape)
        if not self.use_bias:
            return [kernel]
        return [kernel, self.add_weight(name=f"{self.name}_b{number}", shape=shape[1:])]


class SeqSelfAttention(keras.layers.Layer):
    """Additive attention of a sequence to itself; gives the result and, if asked, the attention."""

    def __init__(
        self,
        units: int = 32,
        attention_width: int | None = None,
        attention_type: str = "additive",
        return_attention: bool = False,
        attention_activation: Any = None,
        **settings: Any,
    ) -> None:
        if attention_type != "additive" or settings.pop("history_only", False):
            raise ValueError("only additive attention to both sides is implemented")
        self.use_hidden_bias = settings.pop("use_additive_bias", True)
        self.use_score_bias = settings.pop("use_attention_bias", True)
        super().__init__(**_without_training(settings))
        self.units, self.return_attention = units, return_attention
        self.width = attention_width
        self.attention_activation = keras.activations.get(attention_activation)

    def build(self, input_shape: Any) -> None:
        width = int(input_shape[-1])
        self.query = self._weight("Wt", (width, self.units))
        self.key = self._weight("Wx", (width, self.units))
        self.hidden_bias = self._weight("bh", (self.units,)) if self.use_hidden_bias else 0.0
        self.score = self._weight("Wa", (self.units, 1))
        self.score_bias = self._weight("ba", (1,)) if self.use_score_bias else 0.0
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        query = tf.expand_dims(_dense(inputs, self.query), 2)
        key = tf.expand_dims(_dense(inputs, self.key), 1)
        hidden = tf.tanh(query + key + self.hidden_bias)
        scores = tf.squeeze(_dense(hidden, self.score, self.score_bias), axis=-1)
        scores = self.attention_activation(scores)
        shares = tf.exp(scores - tf.reduce_max(scores, axis=-1, keepdims=True))
        if self.width is not None:
            shares = shares * _near(tf.shape(inputs)[1], self.width)
        shares = shares / (tf.reduce_sum(shares, axis=-1, keepdims=True) + TINY)
        seen = tf.matmul(shares, inputs)
        return [seen, shares] if self.return_attention else seen

    def _weight(self, name: str, shape: tuple[int, ...]) -> Any:
        return self.add_weight(name=f"{self.name}_Add_{name}", shape=shape)


def _near(length: Any, width: int) -> Any:
    """One where a step is among the `width` steps around another, else zero."""
    steps = tf.range(length)
    ahead = steps[None, :] - steps[:, None] + width // 2
    return tf.cast((ahead >= 0) & (ahead < width), tf.float32)


def _dense(inputs: Any, kernel: Any, bias: Any = 0.0) -> Any:
    return tf.tensordot(inputs, kernel, axes=1) + bias


def _without_training(settings: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if not key.endswith(OF_TRAINING)}
