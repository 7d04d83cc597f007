"""The layers that MMSplice's models name; they work with Keras 3 and with tf_keras."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

EDGE = 0.001  # how far, as a share of the length, the outermost inner knots lie outside
OF_TRAINING = ("l2_smooth", "l2", "bias_initializer")


class ConvDNA(keras.layers.Conv1D):
    """A convolution over one-hot bases; `seq_length` only ever told the input's shape."""

    def __init__(self, seq_length: int | None = None, **settings: Any) -> None:
        super().__init__(**settings)
        self.seq_length = seq_length


class SplineWeight1D(keras.layers.Layer):
    """Weigh each position of each channel by one plus a smooth curve, a B-spline."""

    def __init__(
        self,
        n_bases: int = 10,
        spline_degree: int = 3,
        share_splines: bool = False,
        use_bias: bool = False,
        **settings: Any,
    ) -> None:
        for name in OF_TRAINING:
            settings.pop(name, None)
        super().__init__(**settings)
        self.n_bases, self.spline_degree = n_bases, spline_degree
        self.share_splines, self.use_bias = share_splines, use_bias

    def build(self, input_shape: Any) -> None:
        length, channels = int(input_shape[1]), int(input_shape[2])
        tracks = 1 if self.share_splines else channels
        self.curves = b_splines(length, self.n_bases, self.spline_degree)
        self.kernel = self.add_weight(name="kernel", shape=(self.n_bases, tracks))
        self.bias = self.add_weight(name="bias", shape=(tracks,)) if self.use_bias else 0.0
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        weights = tf.tensordot(tf.constant(self.curves), self.kernel, axes=1) + self.bias
        return inputs * (1 + weights)


def b_splines(length: int, count: int, degree: int) -> np.ndarray:
    """`count` B-splines at the positions 0 to length - 1, by the recursion of Cox and de Boor."""
    margin = (length - 1) * EDGE
    inner = count - degree + 1
    step = (length - 1 + 2 * margin) / (inner - 1)
    first, last = -margin - step * degree, length - 1 + margin + step * degree
    knots = np.linspace(first, last, inner + 2 * degree).astype(np.float32).astype(np.float64)
    x = np.arange(length, dtype=np.float64)[:, None]
    curves = ((knots[:-1] <= x) & (x < knots[1:])).astype(np.float64)
    for k in range(1, degree + 1):
        rising = (x - knots[: -k - 1]) / (knots[k:-1] - knots[: -k - 1])
        falling = (knots[k + 1 :] - x) / (knots[k + 1 :] - knots[1:-k])
        curves = rising * curves[:, :-1] + falling * curves[:, 1:]
    return curves.astype(np.float32)
