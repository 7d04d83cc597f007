"""Models that Keras 2 makes, small, many layers each; frameworks are imported within."""

from typing import Any


def pictures() -> Any:
    """Layers for images, those that are gone or changed among them."""
    import tf_keras
    from tf_keras import layers

    image = tf_keras.Input((8, 8, 3))
    x = layers.ZeroPadding2D(1)(image)
    x = layers.Conv2D(4, 3, padding="same", kernel_initializer="he_normal")(x)
    x = layers.BatchNormalization()(x)
    x = layers.LeakyReLU(0.2)(x)
    x = layers.SpatialDropout2D(0.3)(x)
    x = layers.SeparableConv2D(5, 3, activation="relu")(x)
    x = layers.DepthwiseConv2D(2, activation="hard_sigmoid")(x)
    x = layers.Conv2DTranspose(3, 2, strides=2)(x)
    x = layers.UpSampling2D(2, interpolation="bilinear")(x)
    x = layers.Cropping2D(((1, 0), (2, 1)))(x)
    x = layers.LayerNormalization(axis=[1, 2])(x)
    x = layers.LayerNormalization()(x)
    x = layers.ThresholdedReLU(0.1)(x)
    x = layers.PReLU(shared_axes=[1, 2])(x)
    x = layers.AveragePooling2D(2)(x)
    x = layers.MaxPooling2D(2, padding="same")(x)
    x = layers.Dropout(0.2, noise_shape=(None, 1, 1, 3))(x)
    x = layers.Permute((3, 1, 2))(x)
    x = layers.Reshape((-1, 6))(x)
    x = layers.GroupNormalization(3)(x)
    x = layers.UnitNormalization()(x)
    x = layers.Flatten()(x)
    x = layers.GaussianNoise(0.3)(layers.GaussianDropout(0.2)(x))
    x = layers.AlphaDropout(0.1)(layers.ActivityRegularization(0.1)(x))
    x = layers.Dense(6, kernel_regularizer="l1_l2", kernel_constraint="max_norm")(x)
    x = layers.ELU(0.5)(layers.ReLU(max_value=4.0, negative_slope=0.1)(x))
    x = layers.Dense(5, activation=layers.LeakyReLU(0.4))(x)
    return tf_keras.Model(image, layers.Softmax()(x))


def sequences() -> Any:
    """Recurrent layers in every wrapper, with the gates of old."""
    import tf_keras
    from tf_keras import layers

    gates: Any = {"recurrent_activation": "hard_sigmoid", "return_sequences": True}
    cells = [layers.LSTMCell(3, recurrent_activation="hard_sigmoid"), layers.GRUCell(2)]
    return tf_keras.Sequential(
        [
            layers.Embedding(20, 4, input_length=7, mask_zero=True, input_shape=(7,)),
            layers.SpatialDropout1D(0.2),
            layers.LSTM(4, implementation=1, **gates),
            layers.Bidirectional(layers.GRU(3, reset_after=False, **gates), merge_mode="sum"),
            layers.TimeDistributed(layers.Dense(4, activation="hard_sigmoid")),
            layers.RNN(cells, return_sequences=True),
            layers.Bidirectional(
                layers.LSTM(2, return_sequences=True),
                backward_layer=layers.GRU(2, go_backwards=True, return_sequences=True),
            ),
            layers.SimpleRNN(3, return_sequences=True, unroll=True),
            layers.Conv1D(3, 2, padding="causal", dilation_rate=2),
            layers.SeparableConv1D(3, 2),
            layers.DepthwiseConv1D(2),
            layers.ZeroPadding1D(1),
            layers.UpSampling1D(2),
            layers.Conv1DTranspose(2, 2),
            layers.MaxPooling1D(2),
            layers.GRU(3, return_sequences=True),
            layers.GlobalAveragePooling1D(),
            layers.RepeatVector(3),
            layers.GlobalMaxPooling1D(),
        ]
    )


def films() -> Any:
    """Layers for volumes and for sequences of images."""
    import tf_keras
    from tf_keras import layers

    return tf_keras.Sequential(
        [
            layers.ConvLSTM2D(2, 2, input_shape=(4, 5, 5, 2), return_sequences=True),
            layers.BatchNormalization(axis=2),
            layers.Conv3D(3, 2),
            layers.SpatialDropout3D(0.2),
            layers.MaxPooling3D(1),
            layers.Conv3DTranspose(2, 2),
            layers.UpSampling3D(2),
            layers.Cropping3D(1),
            layers.ZeroPadding3D(1),
            layers.AveragePooling3D(2),
            layers.GlobalAveragePooling3D(),
        ]
    )


def attentions() -> Any:
    """Calls with tensors by keyword, with states, with masks."""
    import tf_keras
    from tf_keras import layers

    query, value = tf_keras.Input((5, 4), name="query"), tf_keras.Input((6, 4), name="value")
    mixed = layers.MultiHeadAttention(2, 3)(query, value, key=value)
    twice = layers.MultiHeadAttention(2, 3, attention_axes=(1,))(mixed, mixed)
    dots = layers.Attention(use_scale=True)([twice, value])
    sums = layers.AdditiveAttention()([twice, value, value])
    states = [layers.Dense(3)(dots[:, 0]), layers.Dense(3)(sums[:, 1])]
    last = layers.LSTM(3)(query, initial_state=states)
    both = layers.Bidirectional(layers.GRU(3))(value, initial_state=states)
    masked = layers.GRU(3)(query, mask=query[:, :, 0] > 0)
    joined = layers.Concatenate()([last, both, masked, layers.Flatten()(dots)])
    return tf_keras.Model([query, value], [joined, layers.Dot(1, normalize=True)(states)])


def nested() -> Any:
    """Models called by models, several deep, shared, with dictionaries of tensors."""
    import tf_keras
    from tf_keras import layers

    deep = tf_keras.Sequential([tf_keras.Input((3,)), layers.Dense(3, "hard_sigmoid")], name="deep")
    late = tf_keras.Sequential([layers.Dense(2), layers.LeakyReLU(0.1)], name="late")
    a, b = tf_keras.Input((3,), name="a"), tf_keras.Input((3,), name="b")
    middle = tf_keras.Model({"a": a, "b": b}, {"s": layers.Add()([deep(a), deep(b)]), "b": late(b)})
    first, second = tf_keras.Input((3,), name="first"), tf_keras.Input((3,), name="second")
    once = middle({"a": first, "b": second})
    twice = middle({"a": once["s"], "b": first})
    outputs = [layers.Concatenate()([once["s"], twice["s"], late(first)]), twice["b"]]
    return tf_keras.Model([first, second], outputs)


def functions() -> Any:
    """What tf.keras recorded where functions of TensorFlow were applied to a model's tensors."""
    import tensorflow as tf
    import tf_keras

    x, y = tf_keras.Input((4,), name="x"), tf_keras.Input((4,), name="y")
    positive = tf.abs(x) + 0.5
    pairs = [
        x * 2, 2 - x, x + y, x / 2.0, 1.0 / positive, -x, x**2, x * [1.0, 2.0, 3.0, 4.0],
        x @ tf.ones((4, 2)), tf.maximum(x, y), tf.minimum(x, 0.1), tf.where(x > 0, x, y),
        tf.math.floordiv(x, 0.3), tf.cast((x >= 0.1) & (y < 0.2) | (x <= y), "float32"),
    ]  # fmt: skip
    forms = [
        x[:, -1], x[..., 1:3], x[:, tf.newaxis], x[:, ::2], tf.concat([x, y], axis=-1),
        tf.reshape(x, [-1, 2, 2]), tf.squeeze(x[:, None], [1]), tf.stack([x, y], 1),
        tf.transpose(tf.expand_dims(x, 1), [0, 2, 1]), tf.tile(x, [1, 2]), tf.identity(x),
        tf.split(x, 2, axis=1)[0], tf.split(x, [1, 3], axis=1)[1], tf.repeat(x, 2, axis=1),
        tf.reverse(x, [1]), tf_keras.backend.concatenate([x, y]),
    ]  # fmt: skip
    sums = [
        tf.reduce_mean(x, axis=1, keepdims=True), tf.reduce_sum(x, 1), tf.reduce_max(x, [1]),
        tf.reduce_min(x, 1), tf.reduce_prod(x, 1), tf.math.reduce_std(x, 1),
        tf.math.reduce_variance(x, 1), tf_keras.backend.mean(x, axis=1),
        tf.cast(tf.argmax(x, 1), "float32"),
    ]  # fmt: skip
    alone = [
        tf.nn.relu(x), tf.nn.relu6(x), tf.sigmoid(x), tf.tanh(x), tf.nn.softmax(x),
        tf.nn.log_softmax(x), tf.nn.leaky_relu(x), tf.nn.leaky_relu(x, alpha=0.3), tf.nn.elu(x),
        tf.nn.selu(x), tf.nn.gelu(x), tf.nn.gelu(x, approximate=True), tf.nn.silu(x),
        tf.math.softplus(x), tf.cast(x > 0, "float32"), tf.clip_by_value(x, -0.5, 0.5), tf.exp(x),
        tf.math.log(positive), tf.math.log1p(positive), tf.sqrt(positive), tf.square(x),
        tf.math.rsqrt(positive), tf.math.erf(x), tf.sin(x), tf.cos(x), tf.sign(x), tf.floor(x),
        tf.math.reciprocal(positive), tf.zeros_like(x), tf.ones_like(x),
        tf_keras.activations.hard_sigmoid(x),
    ]  # fmt: skip
    return tf_keras.Model([x, y], [*pairs, *forms, *sums, *alone])


def preparations() -> Any:
    """Layers that prepare inputs."""
    import numpy as np
    import tf_keras
    from tf_keras import layers

    normalize = layers.Normalization(axis=-1)
    normalize.adapt(np.random.default_rng(0).normal(2, 3, (50, 8, 8, 3)))
    return tf_keras.Sequential(
        [
            layers.Rescaling(0.5, offset=0.1, input_shape=(8, 8, 3)),
            normalize,
            layers.RandomFlip(),
            layers.RandomRotation(0.1),
            layers.RandomZoom(0.1),
            layers.RandomTranslation(0.1, 0.1),
            layers.RandomContrast(0.1),
            layers.RandomBrightness(0.1),
            layers.RandomHeight(0.1),
            layers.RandomWidth(0.1),
            layers.Resizing(7, 6),
            layers.CenterCrop(4, 4),
            layers.Flatten(),
        ]
    )


def names() -> Any:
    """Layers and inputs with a slash in their names, as TensorFlow 1 scopes made them."""
    import tf_keras
    from tf_keras import layers

    pitch = tf_keras.Input((3,), name="cqt/mag")
    inner = tf_keras.Sequential([layers.Dense(2, name="a/b", input_shape=(3,))], name="in/ner")
    joined = layers.Concatenate(name="in_ner")([inner(pitch), pitch])
    return tf_keras.Model(pitch, layers.Dense(2, name="out/put")(joined))


def activations() -> Any:
    """Every activation that Keras 2 has a name for."""
    import tf_keras
    from tf_keras import layers

    names = """elu exponential gelu hard_sigmoid linear relu selu sigmoid softmax softplus softsign
    swish tanh leaky_relu relu6 silu log_softmax mish""".split()
    inputs = tf_keras.Input((4,))
    outputs = [layers.Dense(3, activation=name)(inputs) for name in names]
    return tf_keras.Model(inputs, [*outputs, layers.Activation("hard_sigmoid")(inputs)])


def mixed_precision() -> Any:
    """Layers that compute in half precision, and one that doesn't."""
    import tf_keras
    from tf_keras import layers

    first = layers.Dense(
        4, input_shape=(3,), dtype=tf_keras.mixed_precision.Policy("mixed_float16")
    )
    return tf_keras.Sequential([first, layers.Dense(2, dtype="float64")])
