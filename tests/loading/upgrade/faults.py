"""For each rule a configuration that Keras 3 refuses: nothing in it is old but that one thing."""

from service.base.strict_json import Json
from tests.loading.handmade import modern_layer

INPUT = modern_layer("InputLayer", batch_shape=[None, 4], name="x")
PICTURE = modern_layer("InputLayer", batch_shape=[None, 5, 5, 4], name="x")
SEQUENCE = modern_layer("InputLayer", batch_shape=[None, 5, 4], name="x")


def chain(*layers: Json, **changed: object) -> Json:
    """A Sequential as Keras 3 writes it."""
    config = {"name": "net", "layers": list(layers)}
    return {"class_name": "Sequential", "module": "keras", "config": config, **changed}


def graph(layer: Json, calls: object, **changed: object) -> Json:
    """A functional model of one input and one layer."""
    named = {**layer, "name": "y", "inbound_nodes": calls}
    named["config"] = {**layer["config"], "name": "y"}
    layers = [{**SEQUENCE, "name": "x", "inbound_nodes": []}, named]
    ends = {"input_layers": [["x", 0, 0]], "output_layers": [["y", 0, 0]]}
    model = {"class_name": "Functional", "module": "keras.src.models.functional"}
    return {**model, "config": {"name": "net", "layers": layers, **ends}, **changed}


def dense(**config: object) -> Json:
    return modern_layer("Dense", **{"units": 2, **config})


def _nested() -> Json:
    model = graph(dense(), [[["inner", 1, 0, {}]]])
    inner = {**chain(SEQUENCE, dense()), "name": "inner", "inbound_nodes": CALL}
    inner["config"] = {**inner["config"], "name": "inner"}
    model["config"]["layers"].insert(1, inner)
    return model


CALL = [[["x", 0, 0, {}]]]
FAULTS: dict[str, Json] = {
    "activation_form": chain(
        INPUT, dense(activation={"class_name": "hard_sigmoid", "config": "hard_sigmoid"})
    ),
    "attention_arguments": graph(
        modern_layer("MultiHeadAttention", num_heads=1, key_dim=2, query_shape=[None, 5, 4]), CALL
    ),
    "axis_list": chain(PICTURE, modern_layer("BatchNormalization", axis=[3])),
    "batch_input_shape": chain(INPUT, dense(batch_input_shape=[None, 4])),
    "call_arguments": graph(
        modern_layer("MultiHeadAttention", num_heads=1, key_dim=2),
        [[["x", 0, 0, {"value": ["x", 0, 0]}]]],
    ),
    "cudnn": chain(SEQUENCE, modern_layer("CuDNNLSTM", units=2)),
    "custom_activation": chain(INPUT, dense(activation="<lambda>")),
    "dropped_arguments": chain(PICTURE, modern_layer("DepthwiseConv2D", kernel_size=2, groups=1)),
    "dtype_policy": chain(
        INPUT, dense(dtype={"class_name": "Policy", "config": {"name": "float32"}})
    ),
    "functional_class": {**graph(dense(), CALL), "class_name": "Model", "module": None},
    "initial_state": graph(modern_layer("GRU", units=4), [[["x", 0, 0, {}], ["x", 0, 0, {}]]]),
    "initializer_dtype": chain(
        INPUT,
        dense(kernel_initializer={"class_name": "Zeros", "config": {"dtype": "float32"}}),
    ),
    "keras_1_arguments": chain(INPUT, modern_layer("Dense", output_dim=2)),
    "keras_1_class": chain(PICTURE, modern_layer("AtrousConvolution2D", filters=2, kernel_size=2)),
    "keras_1_merge": graph(modern_layer("Merge", mode="sum"), [[["x", 0, 0, {}]] * 2]),
    "keras_1_part": chain(INPUT, dense(kernel_regularizer={"name": "WeightRegularizer", "l2": 1})),
    "merged_sequential": chain(modern_layer("Merge", mode="sum", layers=[])),
    "modules": {"class_name": "Sequential", "config": {"name": "net", "layers": [INPUT]}},
    "nested_calls": _nested(),
    "normalization_arguments": chain(PICTURE, modern_layer("BatchNormalization", fused=True)),
    "numpy_value": chain(
        INPUT, modern_layer("LeakyReLU", negative_slope={"type": "ndarray", "value": 0.2})
    ),
    "random_size": chain(PICTURE, modern_layer("RandomHeight", factor=0.1)),
    "sequential_list": {"class_name": "Sequential", "module": "keras", "config": [INPUT, dense()]},
    "slash_in_name": chain(INPUT, dense(name="a/b")),
    "spatial_dropout": chain(SEQUENCE, modern_layer("SpatialDropout1D", rate=0.5, trainable=True)),
    "tensorflow_functions": graph(
        modern_layer("TFOpLambda", function="nn.relu"), [["x", 0, 0, {}]]
    ),
    "thresholded_relu": chain(INPUT, modern_layer("ThresholdedReLU", theta=1.0)),
    "time_major": chain(SEQUENCE, modern_layer("LSTM", units=2, time_major=False)),
    "versioned_class": chain(PICTURE, modern_layer("BatchNormalizationV2")),
    "versioned_part": chain(
        INPUT, dense(kernel_initializer={"class_name": "GlorotUniformV2", "config": {}})
    ),
}
