"""A bias of channels-first layers goes along the channels, also where the width is as long."""

import numpy as np
import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("width", [3, 4, 5])
def test_a_bias_goes_along_the_channels(width: int) -> None:
    import keras

    import service.loading.channels_first_bias

    assert service.loading.channels_first_bias
    inputs = np.zeros((1, 4, 2, width), "float32")
    bias = np.arange(1, 5, dtype="float32").reshape(1, 4, 1, 1)

    added = np.asarray(keras.ops.add(inputs, bias))

    np.testing.assert_array_equal(added, inputs + bias)


def test_a_bias_of_the_last_axis_stays_where_it_is() -> None:
    import keras

    import service.loading.channels_first_bias

    assert service.loading.channels_first_bias
    inputs, bias = np.ones((2, 4, 4), "float32"), np.arange(4, dtype="float32")

    np.testing.assert_array_equal(np.asarray(keras.ops.add(inputs, bias)), inputs + bias)
