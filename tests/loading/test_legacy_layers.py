"""What Keras 3 no longer has computes as it did."""

import numpy as np
import pytest

pytestmark = pytest.mark.slow
NUMBERS = np.linspace(-4, 4, 33, dtype="float32").reshape(3, 11)


def test_hard_sigmoid_is_the_one_of_keras_2() -> None:
    import tensorflow as tf
    import tf_keras

    from service.loading.legacy_layers import legacy_hard_sigmoid

    expected = tf_keras.activations.hard_sigmoid(tf.constant(NUMBERS))
    np.testing.assert_allclose(legacy_hard_sigmoid(NUMBERS), expected, atol=1e-7)


@pytest.mark.parametrize("theta", [0.0, 0.5, 1.0])
def test_thresholded_relu_is_the_one_of_keras_2(theta: float) -> None:
    import tf_keras

    from service.loading.legacy_layers import ThresholdedReLU

    expected = tf_keras.layers.ThresholdedReLU(theta)(NUMBERS)
    np.testing.assert_array_equal(np.asarray(ThresholdedReLU(theta)(NUMBERS)), expected)


def test_a_layer_of_ours_is_written_and_read() -> None:
    import keras

    from service.loading.legacy_layers import ThresholdedReLU

    model = keras.Sequential([keras.Input((11,)), ThresholdedReLU(0.5)])

    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(model))

    assert again.layers[0].theta == 0.5
