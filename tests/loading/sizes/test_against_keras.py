"""Sizes computed from configurations are those of the models that Keras itself builds from them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from service.loading.sizes.budget import Budget, exceed
from service.loading.sizes.shapes import ModelSizes, measure

pytestmark = pytest.mark.slow

Keras = Any  # the module keras or tf_keras
Model = Any
Shape = tuple[int | None, ...]

# One layer each, on an input of this shape.
ONE_LAYER: dict[str, tuple[Callable[[Any], Any], Shape]] = {
    "dense over time": (lambda k: k.Dense(5), (7, 3)),
    "dense without bias": (lambda k: k.Dense(5, use_bias=False), (3,)),
    "einsum": (lambda k: k.EinsumDense("abc,cf->abf", (None, 5), bias_axes="f"), (7, 3)),
    "einsum with dots": (lambda k: k.EinsumDense("...x,xy->...y", 5, bias_axes="y"), (7, 3)),
    "einsum to two axes": (lambda k: k.EinsumDense("bqm,muh->bquh", (None, 4, 6)), (7, 3)),
    "embedding": (lambda k: k.Embedding(11, 4), (6,)),
    "conv 1 causal": (lambda k: k.Conv1D(4, 3, padding="causal", dilation_rate=2), (None, 3)),
    "conv 1 strided": (lambda k: k.Conv1D(4, 3, strides=2), (10, 3)),
    "conv 2 in groups": (lambda k: k.Conv2D(6, (3, 2), groups=3, padding="same"), (8, 9, 3)),
    "conv 2 dilated": (lambda k: k.Conv2D(6, 3, dilation_rate=(2, 1)), (8, 9, 3)),
    "conv 3": (lambda k: k.Conv3D(2, 2, strides=(1, 2, 1), use_bias=False), (4, 5, 6, 2)),
    "transposed 1": (lambda k: k.Conv1DTranspose(4, 3, strides=2), (10, 3)),
    "transposed 2": (lambda k: k.Conv2DTranspose(4, 3, strides=2, padding="same"), (8, 9, 3)),
    "transposed 2 padded": (
        lambda k: k.Conv2DTranspose(4, 3, strides=2, output_padding=1, padding="same"),
        (8, 9, 3),
    ),
    "depthwise 1": (lambda k: k.DepthwiseConv1D(3, depth_multiplier=2), (10, 3)),
    "depthwise 2": (lambda k: k.DepthwiseConv2D(3, strides=2, padding="same"), (8, 9, 3)),
    "separable 1": (lambda k: k.SeparableConv1D(4, 3, depth_multiplier=2), (10, 3)),
    "separable 2": (lambda k: k.SeparableConv2D(4, 3, padding="same"), (8, 9, 3)),
    "max pooling 1": (lambda k: k.MaxPooling1D(3, strides=2), (10, 3)),
    "average pooling 2": (lambda k: k.AveragePooling2D((2, 3), padding="same"), (8, 9, 3)),
    "max pooling 3": (lambda k: k.MaxPooling3D(2), (4, 5, 6, 2)),
    "global pooling": (lambda k: k.GlobalMaxPooling2D(keepdims=True), (8, 9, 3)),
    "global average": (lambda k: k.GlobalAveragePooling1D(), (None, 3)),
    "channels first": (lambda k: k.GlobalAveragePooling2D("channels_first"), (3, 8, 9)),
    "zero padding": (lambda k: k.ZeroPadding2D(((1, 2), (0, 3))), (8, 9, 3)),
    "cropping": (lambda k: k.Cropping3D((1, 0, 2)), (4, 5, 6, 2)),
    "up sampling": (lambda k: k.UpSampling2D((2, 3)), (8, 9, 3)),
    "resizing": (lambda k: k.Resizing(4, 5), (8, 9, 3)),
    "center crop": (lambda k: k.CenterCrop(4, 5), (8, 9, 3)),
    "batch normalization": (lambda k: k.BatchNormalization(axis=1, scale=False), (8, 9)),
    "layer normalization": (lambda k: k.LayerNormalization(axis=[1, 2]), (8, 9)),
    "group normalization": (lambda k: k.GroupNormalization(3), (8, 9)),
    "unit normalization": (lambda k: k.UnitNormalization(), (8, 9)),
    "normalization": (lambda k: k.Normalization(), (8, 9)),
    "normalization of all": (lambda k: k.Normalization(axis=None), (8, 9)),
    "normalization given": (lambda k: k.Normalization(mean=1.0, variance=2.0), (8, 9)),
    "spectral normalization": (lambda k: k.SpectralNormalization(k.Conv2D(4, 3)), (8, 9, 3)),
    "prelu": (lambda k: k.PReLU(shared_axes=[1]), (8, 9, 3)),
    "reshape": (lambda k: k.Reshape((-1, 6)), (8, 9)),
    "reshape free": (lambda k: k.Reshape((-1, 3)), (None, 9)),
    "flatten": (lambda k: k.Flatten(), (8, 9, 3)),
    "permute": (lambda k: k.Permute((3, 1, 2)), (8, 9, 3)),
    "repeat": (lambda k: k.RepeatVector(5), (9,)),
    "categories": (lambda k: k.CategoryEncoding(5, output_mode="one_hot"), (8,)),
    "category counts": (lambda k: k.CategoryEncoding(5, output_mode="count"), (8,)),
    "bins": (lambda k: k.Discretization(bin_boundaries=[0.0, 1.0]), (8,)),
    "lstm": (lambda k: k.LSTM(4, return_sequences=True), (None, 3)),
    "gru": (lambda k: k.GRU(4), (7, 3)),
    "gru reset before": (lambda k: k.GRU(4, reset_after=False), (7, 3)),
    "simple rnn": (lambda k: k.SimpleRNN(4, use_bias=False), (7, 3)),
    "rnn of a cell": (lambda k: k.RNN(k.GRUCell(4), return_sequences=True), (7, 3)),
    "rnn of cells": (lambda k: k.RNN([k.LSTMCell(4), k.LSTMCell(5)]), (7, 3)),
    "conv lstm": (
        lambda k: k.ConvLSTM2D(4, 3, padding="same", return_sequences=True),
        (5, 8, 9, 2),
    ),
    "bidirectional": (lambda k: k.Bidirectional(k.LSTM(4)), (7, 3)),
    "bidirectional sum": (
        lambda k: k.Bidirectional(k.GRU(4, return_sequences=True), merge_mode="sum"),
        (7, 3),
    ),
    "time distributed": (lambda k: k.TimeDistributed(k.Conv2D(4, 3)), (5, 8, 9, 3)),
    "dropout and the like": (lambda k: k.SpatialDropout1D(0.2), (8, 9)),
}
ONLY_KERAS_3 = {"spectral normalization", "group normalization", "categories"}
KNOWS_MORE = {"einsum", "einsum to two axes"}  # axes that Keras itself leaves free
MORE_OF_KERAS_3: dict[str, tuple[Callable[[Any], Any], Shape]] = {
    "rms normalization": (lambda k: k.RMSNormalization(), (8, 9)),
    "adaptive pooling": (lambda k: k.AdaptiveAveragePooling2D((2, 3)), (8, 9, 3)),
    "mel spectrogram": (lambda k: k.MelSpectrogram(num_mel_bins=20, sequence_stride=64), (4000,)),
    "stft spectrogram": (lambda k: k.STFTSpectrogram(frame_length=64, mode="stft"), (400, 2)),
    "conv lstm 1": (lambda k: k.ConvLSTM1D(4, 3, strides=2), (5, 8, 2)),
}


def _one_layer(make: Callable[[Any], Any], shape: Shape) -> Callable[[Keras], Model]:
    return lambda keras: keras.Sequential([keras.Input(shape), make(keras.layers)])


def _merging(keras: Keras) -> Model:
    k = keras.layers
    a, b = keras.Input((5, 4)), keras.Input((5, 4))
    joined = k.Concatenate(axis=1)([a, b, k.Add()([a, b])])
    dotted = k.Dot(axes=2)([joined, k.Multiply()([a, b])])
    return keras.Model([a, b], [dotted, k.Flatten()(k.Maximum()([a, b])), k.Average()([a, b])])


def _broadcasting(keras: Keras) -> Model:
    k = keras.layers
    a, b = keras.Input((5, 1)), keras.Input((4,))
    return keras.Model([a, b], k.Subtract()([a, k.Reshape((1, 4))(b)]))


def _attending(keras: Keras) -> Model:
    k = keras.layers
    q, v = keras.Input((7, 8)), keras.Input((7, 6))
    heads = k.MultiHeadAttention(num_heads=2, key_dim=3, value_dim=4)
    y, scores = heads(query=q, value=v, return_attention_scores=True)
    y = k.LayerNormalization()(k.Add()([q, y]))
    plain = k.Attention(use_scale=True)([q, k.Dense(8)(v)])
    adding = k.AdditiveAttention()([q, k.Dense(8)(v)])
    return keras.Model([q, v], [y, scores, plain, adding])


def _grouped_attention(keras: Keras) -> Model:
    q, v = keras.Input((5, 8)), keras.Input((7, 8))
    heads = keras.layers.GroupQueryAttention(4, 4, 2)
    return keras.Model([q, v], heads(q, v))


def _states(keras: Keras) -> Model:
    k = keras.layers
    a, b = keras.Input((7, 3)), keras.Input((6, 3))
    y, h, c = k.LSTM(4, return_state=True, name="encoder")(a)
    z = k.LSTM(4, return_sequences=True, name="decoder")(b, initial_state=[h, c])
    return keras.Model([a, b], [y, z])


def _two_way_states(keras: Keras) -> Model:
    a = keras.Input((7, 3))
    way = keras.layers.LSTM(4, return_state=True)
    return keras.Model(a, keras.layers.Bidirectional(way)(a))


def _nested(keras: Keras) -> Model:
    k = keras.layers
    inner = keras.Sequential([keras.Input((4,)), k.Dense(6), k.Dense(4)], name="inner")
    a = keras.Input((4,))
    middle = keras.Model(a, k.Dense(3)(inner(inner(a))), name="middle")
    b, c = keras.Input((4,)), keras.Input((4,))
    other = keras.Sequential([keras.Input((3,)), k.Dense(3)], name="other")
    return keras.Model([b, c], k.Concatenate()([middle(b), middle(c), other(other(middle(b)))]))


def _nested_in_time(keras: Keras) -> Model:
    k = keras.layers
    a = keras.Input((8, 8, 1))
    image = keras.Model(a, k.Flatten()(k.MaxPooling2D()(k.Conv2D(3, 3)(a))))
    return keras.Sequential([keras.Input((5, 8, 8, 1)), k.TimeDistributed(image), k.LSTM(4)])


def _sequence_of_models(keras: Keras) -> Model:
    k = keras.layers
    body = keras.Sequential([keras.Input((9, 3)), k.Conv1D(4, 3), k.GlobalMaxPooling1D()])
    model = keras.Sequential([body, k.Dense(2)])
    model.build((None, 9, 3))
    return model


def _operations(keras: Keras) -> Model:
    ops, a = keras.ops, keras.Input((6, 4))
    scaled = (a * 2.0 + 1.0) / ops.sqrt(ops.abs(a) + 1.0)
    pooled = ops.concatenate([ops.mean(a, axis=1), ops.max(scaled, axis=1)], axis=-1)
    turned = ops.reshape(ops.transpose(scaled, (0, 2, 1)), (-1, 3, 8))
    grown = ops.repeat(ops.expand_dims(a, 1), 3, axis=1)
    padded = ops.pad(grown, ((0, 0), (1, 2), (0, 0), (0, 0)))
    product = ops.matmul(a, ops.transpose(a, (0, 2, 1)))
    return keras.Model(a, [keras.layers.Dense(3)(pooled), turned, padded, product])


def _deferred(keras: Keras) -> Model:
    model = keras.Sequential([keras.layers.Dense(4), keras.layers.Dense(2)])
    model.build((None, 3))
    return model


MODELS = {
    "merging": _merging,
    "broadcasting": _broadcasting,
    "attending": _attending,
    "states": _states,
    "two-way states": _two_way_states,
    "nested": _nested,
    "nested in time": _nested_in_time,
    "a sequence of models": _sequence_of_models,
    "deferred": _deferred,
}
KERAS_3 = {
    **{name: _one_layer(*case) for name, case in (ONE_LAYER | MORE_OF_KERAS_3).items()},
    **MODELS,
    "grouped attention": _grouped_attention,
    "operations": _operations,
}
KERAS_2 = {
    **{n: _one_layer(*case) for n, case in ONE_LAYER.items() if n not in ONLY_KERAS_3},
    **MODELS,
}


def _shapes(value: Any) -> list[Shape]:
    """One shape or a structure of them, in its order."""
    if all(size is None or isinstance(size, int) for size in value):
        return [tuple(value)]
    return [tuple(shape) for shape in value]


def _merged(told: Shape, found: Shape | None) -> Shape:
    return tuple(b if a is None else a for a, b in zip(told, found or (), strict=True))


def _agree(found: ModelSizes, model: Model, knows_more: bool = False) -> None:
    assert found.faults == ()
    assert found.complete
    assert found.parameters == model.count_params()
    outputs, expected = [shape for _, shape in found.outputs], _shapes(model.output_shape)
    if knows_more:
        expected = [_merged(*pair) for pair in zip(expected, outputs, strict=True)]
    assert outputs == expected
    assert [shape for _, shape in found.inputs] == _shapes(model.input_shape)
    parameters = {layer.name: layer.parameters for layer in found.layers}
    for layer in model.layers:
        assert parameters[layer.name] == layer.count_params(), layer.name
    assert exceed(found, Budget()) == []


@pytest.mark.parametrize("name", KERAS_3)
def test_sizes_are_those_of_keras_3(name: str) -> None:
    import keras

    model = KERAS_3[name](keras)

    _agree(measure(json.loads(model.to_json())), model, name in KNOWS_MORE)


@pytest.mark.parametrize("name", KERAS_2)
def test_sizes_are_those_of_keras_2(name: str) -> None:
    import tf_keras

    model = KERAS_2[name](tf_keras)

    _agree(measure(json.loads(model.to_json())), model, name in KNOWS_MORE)
