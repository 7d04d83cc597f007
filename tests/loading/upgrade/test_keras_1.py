"""Layers of Keras 1 under the names that they have now."""

from typing import Any

import pytest

from service.base.strict_json import Json
from service.loading.upgrade.model import upgrade
from tests.loading.handmade import layer, sequential
from tests.loading.upgrade.examples import PICTURE


def _upgraded(item: Json) -> Any:
    after = upgrade(sequential(PICTURE, item), "1.2.2").config["config"]["layers"][1]
    return after["class_name"], after["config"]


CONVOLUTION = {"border_mode": "same", "bias": True, "init": "uniform", "W_regularizer": None}
CONVOLUTION_NOW = {"padding": "same", "use_bias": True, "kernel_initializer": "uniform",
                   "kernel_regularizer": None}  # fmt: skip


@pytest.mark.parametrize(
    ("item", "kind", "config"),
    [
        (
            layer("Convolution2D", nb_filter=4, nb_row=3, nb_col=5, subsample=[2, 1],
                  dim_ordering="th", input_dtype="float32", **CONVOLUTION),
            "Conv2D",
            {"filters": 4, "kernel_size": [3, 5], "strides": [2, 1],
             "data_format": "channels_first", **CONVOLUTION_NOW},
        ),
        (
            layer("Convolution1D", nb_filter=4, filter_length=3, subsample_length=2, input_dim=7,
                  input_length=None, **CONVOLUTION),
            "Conv1D",
            {"filters": 4, "kernel_size": 3, "strides": 2, **CONVOLUTION_NOW},
        ),
        (
            layer("Convolution3D", nb_filter=4, kernel_dim1=1, kernel_dim2=2, kernel_dim3=3,
                  dim_ordering="tf"),
            "Conv3D",
            {"filters": 4, "kernel_size": [1, 2, 3], "data_format": "channels_last"},
        ),
        (layer("AtrousConvolution2D", atrous_rate=[2, 2]), "Conv2D", {"dilation_rate": [2, 2]}),
        (
            layer("Deconvolution2D", nb_filter=4, output_shape=[None, 3, 9, 9], nb_row=2, nb_col=2),
            "Conv2DTranspose",
            {"filters": 4, "kernel_size": [2, 2]},
        ),
        (
            layer("SeparableConvolution2D", nb_filter=4, init="uniform", depth_multiplier=2),
            "SeparableConv2D",
            {"filters": 4, "depth_multiplier": 2},
        ),
        (layer("MaxPooling1D", pool_length=2, stride=3, border_mode="valid"), "MaxPooling1D",
         {"pool_size": 2, "strides": 3, "padding": "valid"}),
        (layer("AveragePooling2D", pool_size=[2, 2], border_mode="same", dim_ordering="tf"),
         "AveragePooling2D",
         {"pool_size": [2, 2], "padding": "same", "data_format": "channels_last"}),
        (layer("UpSampling1D", length=2), "UpSampling1D", {"size": 2}),
        (layer("ZeroPadding2D", padding=[1, 1], dim_ordering="th"), "ZeroPadding2D",
         {"padding": [1, 1], "data_format": "channels_first"}),
        (layer("Flatten", name="f"), "Flatten", {"name": "f"}),
        (
            layer("LSTM", output_dim=4, init="glorot_uniform", inner_init="orthogonal",
                  forget_bias_init="one", inner_activation="sigmoid", activation="tanh",
                  dropout_W=0.1, dropout_U=0.2, U_regularizer=None, consume_less="gpu",
                  input_dim=3, input_length=None),
            "LSTM",
            {"units": 4, "kernel_initializer": "glorot_uniform",
             "recurrent_initializer": "orthogonal", "recurrent_activation": "sigmoid",
             "activation": "tanh", "dropout": 0.1, "recurrent_dropout": 0.2,
             "recurrent_regularizer": None},
        ),
        (
            layer("Embedding", input_dim=9, output_dim=4, init="uniform", W_regularizer=None,
                  W_constraint=None, dropout=0.1, input_length=5, mask_zero=False),
            "Embedding",
            {"input_dim": 9, "output_dim": 4, "embeddings_initializer": "uniform",
             "embeddings_regularizer": None, "embeddings_constraint": None, "mask_zero": False},
        ),
        (layer("TimeDistributedDense", output_dim=4, input_length=3), "Dense", {"units": 4}),
        (layer("Dropout", p=0.5), "Dropout", {"rate": 0.5}),
        (layer("SpatialDropout2D", p=0.5, dim_ordering="tf"), "SpatialDropout2D",
         {"rate": 0.5, "data_format": "channels_last"}),
        (layer("GaussianNoise", sigma=0.1), "GaussianNoise", {"stddev": 0.1}),
        (layer("BatchNormalization", mode=0, axis=1, beta_init="zero", epsilon=1e-6),
         "BatchNormalization", {"axis": 1, "beta_initializer": "zero", "epsilon": 1e-6}),
        (layer("PReLU", init="zero", weights=None), "PReLU", {"alpha_initializer": "zero"}),
    ],
)  # fmt: skip
def test_a_layer_of_keras_1(item: Json, kind: str, config: Json) -> None:
    assert _upgraded(item) == (kind, config)


@pytest.mark.parametrize(
    ("value", "now"),
    [
        ({"name": "WeightRegularizer", "l1": None, "l2": 0.5},
         {"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.5}}),
        ({"name": "EigenvalueRegularizer", "k": 1}, None),
    ],
)  # fmt: skip
def test_regularizers_were_given_by_name(value: Json, now: Json | None) -> None:
    model = sequential(PICTURE, layer("Dense", name="d", output_dim=2, W_regularizer=value))

    upgraded = upgrade(model, "1.2.2")

    assert upgraded.config["config"]["layers"][1]["config"]["kernel_regularizer"] == now
    assert bool(upgraded.notes) is (now is None)


def test_constraints_were_given_by_name() -> None:
    _, config = _upgraded(layer("Dense", output_dim=2, W_constraint={"name": "MaxNorm", "m": 3}))

    assert config["kernel_constraint"] == layer("MaxNorm", max_value=3)


def test_wrapped_layers_are_of_keras_1_too() -> None:
    _, config = _upgraded(layer("TimeDistributed", layer=layer("Dense", output_dim=2)))

    assert config["layer"]["config"] == {"units": 2}


@pytest.mark.parametrize(
    ("ordering", "found"), [("th", "th"), ("tf", ""), (None, ""), ("default", "")]
)
def test_the_order_of_dimensions_is_told(ordering: str | None, found: str) -> None:
    item = layer("Convolution2D", nb_filter=2, nb_row=2, nb_col=2, dim_ordering=ordering)

    assert upgrade(sequential(PICTURE, item), "1.0.4").dim_ordering == found


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (layer("BatchNormalization", name="b", mode=1), "'b' normalizes in mode 1"),
        (layer("Convolution1D", name="c", border_mode="full"), "'c' has the border mode full"),
    ],
)
def test_what_only_keras_1_could_do_is_an_error(item: Json, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        upgrade(sequential(PICTURE, item), "1.2.2")


def test_layers_of_keras_2_are_not_taken_for_older_ones() -> None:
    item = layer("Embedding", input_dim=9, output_dim=4, activity_regularizer=None)

    assert "keras_1_arguments" not in upgrade(sequential(PICTURE, item), "2.4.0").rules


@pytest.mark.slow
def test_pictures_with_channels_first_are_flattened_as_they_lie() -> None:
    """Keras 1 flattened (channels, rows, columns) in this order."""
    import keras
    import numpy as np

    pooling = {"pool_size": [1, 1], "border_mode": "valid", "dim_ordering": "th"}
    first = layer("MaxPooling2D", name="p", batch_input_shape=[None, 2, 3, 4], **pooling)
    config = upgrade(sequential(first, layer("Flatten", name="f")), "1.2.2").config
    picture = np.arange(24, dtype="float32").reshape(1, 2, 3, 4)

    answer = keras.saving.deserialize_keras_object(config)(picture)

    np.testing.assert_array_equal(np.asarray(answer)[0], np.arange(24))
