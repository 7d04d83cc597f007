"""For each rule a model of its era that needs it, the Keras that wrote it, and for what backend."""

import base64

from service.base.strict_json import Json
from tests.loading.handmade import layer, sequential

INPUT = layer("InputLayer", name="x", batch_input_shape=[None, 4], dtype="float32")
PICTURE = layer("InputLayer", name="x", batch_input_shape=[None, 5, 5, 4], dtype="float32")
SEQUENCE = layer("InputLayer", name="x", batch_input_shape=[None, 5, 4], dtype="float32")
SLICER = base64.b64encode(b"get_slice of keras/utils/multi_gpu_utils.py").decode()


def dense(**config: object) -> Json:
    """A Dense layer of two units."""
    return layer("Dense", **{"name": "y", "units": 2, **config})


def named(item: Json, calls: object) -> Json:
    """A layer as it stands in a functional model, with what it is called on."""
    return {**item, "name": item["config"]["name"], "inbound_nodes": calls}


def functional(*layers: Json, output: str = "y", class_name: str = "Functional") -> Json:
    """A functional model whose input is the layer x."""
    ends = {"input_layers": [["x", 0, 0]], "output_layers": [[output, 0, 0]]}
    return {"class_name": class_name, "config": {"name": "net", "layers": list(layers), **ends}}


def called(item: Json, source: Json = SEQUENCE, calls: object = None) -> Json:
    """A functional model of an input and one layer, named y."""
    item = {**item, "config": {**item["config"], "name": "y"}}
    calls = [[["x", 0, 0, {}]]] if calls is None else calls
    return functional(named(source, []), named(item, calls))


def nested(first_call: int = 1) -> Json:
    """A functional model that calls a Sequential, whose calls are counted from `first_call`."""
    inner = {**sequential(INPUT, dense()), "name": "inner", "inbound_nodes": [[["x", 0, 0, {}]]]}
    last = named(dense(), [[["inner", first_call, 0, {}]]])
    return functional(named(INPUT, []), inner, last)


def merged() -> Json:
    """A Sequential of Keras 1 that begins with two branches."""

    def branch(name: str) -> Json:
        settings = {"name": name, "output_dim": 3, "batch_input_shape": [None, 4]}
        return {"class_name": "Sequential", "config": [layer("Dense", **settings)]}

    merge = layer(
        "Merge", name="m", mode="concat", concat_axis=-1, layers=[branch("a"), branch("b")]
    )
    return {"class_name": "Sequential", "config": [merge, layer("Dense", name="y", output_dim=2)]}


def multi_gpu(parts: int = 2) -> Json:
    """What multi_gpu_model of Keras 2 made of a Sequential."""
    slices = [
        named(
            layer("Lambda", name=f"part_{i}", function=[SLICER, None, None], function_type="lambda",
                  output_shape=[4], arguments={"i": i, "parts": parts}),
            [[["x", 0, 0, {}]]],
        )
        for i in range(parts)
    ]  # fmt: skip
    calls = [[[f"part_{i}", 0, 0, {}]] for i in range(parts)]
    inner = {**sequential(INPUT, dense()), "name": "inner", "inbound_nodes": calls}
    joined = [[["inner", i + 1, 0, {}] for i in range(parts)]]
    last = named(layer("Concatenate", name="y", axis=0), joined)
    return functional(named(INPUT, []), *slices, inner, last, class_name="Model")


EXAMPLES: dict[str, tuple[Json, str] | tuple[Json, str, str]] = {
    "activation_form": (sequential(INPUT, dense(activation="softmax_v2")), "2.2.4-tf"),
    "attention_arguments": (
        called(
            layer("MultiHeadAttention", num_heads=1, key_dim=2, query_shape=[None, 5, 4]),
            calls=[[["x", 0, 0, {"value": ["x", 0, 0]}]]],
        ),
        "2.11.0",
    ),
    "axis_list": (sequential(PICTURE, layer("BatchNormalization", axis=[3])), "2.4.0"),
    "batch_input_shape": (sequential(INPUT, dense(batch_input_shape=[None, 4])), "2.4.0"),
    "call_arguments": (
        called(
            layer("MultiHeadAttention", num_heads=1, key_dim=2),
            calls=[[["x", 0, 0, {"value": ["x", 0, 0]}]]],
        ),
        "2.8.0",
    ),
    "cudnn": (sequential(SEQUENCE, layer("CuDNNGRU", units=2)), "2.2.4"),
    "custom_activation": (sequential(INPUT, dense(activation="<lambda>")), "2.10.0"),
    "dropped_arguments": (
        sequential(PICTURE, layer("DepthwiseConv2D", kernel_size=2, groups=1)), "2.9.0"
    ),
    "dtype_policy": (
        sequential(INPUT, dense(dtype=layer("Policy", name="mixed_float16"))), "2.4.0"
    ),
    "functional_class": (
        {**called(dense()), "class_name": "Model"}, "2.1.3"
    ),
    "gru_reset_after": (sequential(SEQUENCE, layer("GRU", units=2)), "2.1.6"),
    "hard_sigmoid": (
        sequential(SEQUENCE, layer("LSTM", units=2, recurrent_activation="hard_sigmoid")), "2.2.4"
    ),
    "initial_state": (
        called(layer("GRU", units=4), calls=[[["x", 0, 0, {}], ["x", 0, 0, {}]]]), "2.2.4"
    ),
    "initializer_dtype": (
        sequential(INPUT, dense(kernel_initializer=layer("Zeros", dtype="float32"))), "2.2.4-tf"
    ),
    "keras_1_arguments": (
        sequential(PICTURE, layer("Convolution2D", nb_filter=2, nb_row=3, nb_col=2,
                                  border_mode="same", dim_ordering="tf")),
        "1.2.2",
    ),
    "keras_1_class": (
        sequential(PICTURE, layer("AtrousConvolution2D", nb_filter=2, nb_row=3, nb_col=2)), "1.2.2"
    ),
    "keras_1_merge": (
        called(layer("Merge", mode="sum"), calls=[[["x", 0, 0], ["x", 0, 0]]]), "1.2.2"
    ),
    "keras_1_ordering": (
        sequential(
            layer("ZeroPadding2D", padding=[1, 1], batch_input_shape=[None, 2, 5, 5]),
            layer(
                "Convolution2D", nb_filter=2, nb_row=2, nb_col=2, border_mode="valid",
                dim_ordering="th",
            ),
        ),
        "1.2.2",
    ),
    "keras_1_part": (
        sequential(INPUT, dense(kernel_regularizer={"name": "WeightRegularizer", "l2": 0.5})),
        "1.0.4",
    ),
    "leaky_slope": (sequential(INPUT, layer("LeakyReLU", alpha=0.3)), "2.4.0"),
    "merged_sequential": (merged(), "1.2.2"),
    "modules": (sequential(INPUT, dense()), "2.4.0"),
    "nested_calls": (nested(), "2.2.4"),
    "normalization_arguments": (
        sequential(PICTURE, layer("BatchNormalization", fused=None, renorm=False)), "2.2.4-tf"
    ),
    "numpy_value": (
        sequential(INPUT, layer("LeakyReLU", alpha={"type": "ndarray", "value": 0.25})), "2.0.8"
    ),
    "random_size": (sequential(PICTURE, layer("RandomHeight", factor=0.1)), "2.6.0"),
    "recurrent_default": (sequential(SEQUENCE, layer("LSTM", units=2)), "2.1.6"),
    "sequential_input": (sequential(dense(batch_input_shape=[None, 4])), "2.2.4"),
    "sequential_list": ({"class_name": "Sequential", "config": [INPUT, dense()]}, "2.0.6"),
    "slash_in_name": (sequential(INPUT, dense(name="block/y")), "2.2.2"),
    "spatial_dropout": (
        sequential(SEQUENCE, layer("SpatialDropout1D", rate=0.5, trainable=True)), "2.3.0"
    ),
    "tensorflow_functions": (
        called(layer("TFOpLambda", function="nn.relu"), calls=[["x", 0, 0, {"name": None}]]),
        "2.4.0",
    ),
    "theano_padding": (
        sequential(PICTURE, layer("Conv2D", name="y", filters=2, kernel_size=[2, 3],
                                  padding="same")),
        "2.2.4", "theano",
    ),
    "thresholded_relu": (sequential(INPUT, layer("ThresholdedReLU", theta=0.5)), "2.4.0"),
    "time_major": (sequential(SEQUENCE, layer("SimpleRNN", units=2, time_major=False)), "2.4.0"),
    "versioned_class": (sequential(PICTURE, layer("BatchNormalizationV2")), "2.2.4-tf"),
    "versioned_part": (
        sequential(INPUT, dense(kernel_initializer=layer("GlorotUniformV2", seed=None))),
        "2.2.4-tf",
    ),
}  # fmt: skip
