"""What Keras 3 no longer has, registered with it under names of our own.

A configuration that was upgraded names these; importing this module makes them known.
"""

from typing import Any

import keras

import service.loading.theano_layers  # noqa: F401  (registers those that pad as Theano did)


@keras.saving.register_keras_serializable("kerasd", "legacy_hard_sigmoid")  # type: ignore[untyped-decorator]
def legacy_hard_sigmoid(x: Any) -> Any:
    """hard_sigmoid as Keras 1 and 2 had it: clip(0.2 x + 0.5, 0, 1)."""
    return keras.ops.clip(x * 0.2 + 0.5, 0.0, 1.0)


@keras.saving.register_keras_serializable("kerasd", "ThresholdedReLU")
class ThresholdedReLU(keras.layers.Layer):
    """What is greater than theta stays, all else becomes 0."""

    def __init__(self, theta: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.theta = float(theta)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        """The answer for a batch."""
        return inputs * keras.ops.cast(inputs > self.theta, inputs.dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the answer is that of the question."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """All that is needed to make the layer again."""
        return {**super().get_config(), "theta": self.theta}
