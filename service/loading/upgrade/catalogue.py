"""Every rule by name: what changed in Keras, and what Keras 3.15 says to it.

The documentation is held to this list, and so are the tests: each rule has one by its name.
"""

from dataclasses import dataclass

SILENT = "no error: wrong numbers"
TESTS = "tests/loading/upgrade/test_catalogue.py::test_a_rule_mends_its_example"


@dataclass(frozen=True, slots=True)
class Cause:
    """A rule's `name`, the `cause` that it cures, and the `error` that Keras 3.15 has for it."""

    name: str
    cause: str
    error: str

    @property
    def test(self) -> str:
        """The id of the test that holds the rule."""
        return f"{TESTS}[{self.name}]"


def catalogue() -> tuple[Cause, ...]:
    """All rules, those of training configurations included, in the order of their names."""
    return tuple(Cause(*row) for row in sorted((*_MODELS, *_LAYERS, *_KERAS_1, *_TRAINING)))


_UNKNOWN = "because it is not a KerasSaveable subclass"
_MODELS = (
    (
        "modules",
        "Classes were looked up by their bare names; Keras 3 wants each one's module.",
        "Could not locate class 'Sequential'. Make sure custom classes and functions are decorated",
    ),
    (
        "functional_class",
        "A functional model was of the class Model, which is Functional now.",
        "Could not locate class 'Model'. Make sure custom classes and functions are decorated",
    ),
    (
        "sequential_list",
        "The configuration of a Sequential was a bare list of layers until Keras 2.2.2.",
        "Expected 'config' to be a dict for Sequential,\ninstead got <class 'list'>",
    ),
    (
        "sequential_input",
        "A Sequential had no InputLayer until tf.keras 2.3: its first layer told the shape, and "
        "Keras 3 builds such a model with one dimension too many.",
        SILENT,
    ),
    (
        "nested_calls",
        "The making of a nested model counted as its first call; Keras 3 counts real calls only.",
        "Invalid Functional model configuration. The graph of the Functional model either has "
        "loops or disconnected nodes.",
    ),
    (
        "call_arguments",
        "Tensors given by keyword, in dictionaries or beside constants had a form of their own.",
        "MultiHeadAttention.build() missing 1 required positional argument: 'value_shape'",
    ),
    (
        "initial_state",
        "The states that a recurrent layer begins with stood among its inputs.",
        'Layer "y" expects 1 input(s), but it received 2 input tensors.',
    ),
    (
        "slash_in_name",
        "Names of layers and inputs could have a slash; the service still shows the old name.",
        "Argument `name` must be a string and cannot contain character `/`.",
    ),
    (
        "tensorflow_functions",
        "tf.keras recorded functions of TensorFlow that were applied to a model's tensors as "
        "layers of the class TFOpLambda; they are operations of Keras now.",
        f"Could not deserialize 'keras.layers.TFOpLambda' {_UNKNOWN}",
    ),
    (
        "multi_gpu",
        "multi_gpu_model of Keras 2 put code (Lambda layers) around a model that answers the same "
        "alone.",
        "Requested the deserialization of a `Lambda` layer whose `function` is a Python lambda.",
    ),
)
_LAYERS = (
    (
        "activation_form",
        "An activation could be an object that names a function, or have another name.",
        "Expected 'config' to be a dict for hard_sigmoid,\ninstead got <class 'str'>",
    ),
    (
        "attention_arguments",
        "Attention layers wrote the shapes that they were built with, and switches that are gone.",
        "Unrecognized keyword arguments passed to MultiHeadAttention: {'query_shape': "
        "[None, 5, 4]}",
    ),
    (
        "axis_list",
        "The axis of a normalization was a list of one.",
        "int() argument must be a string, a bytes-like object or a real number, not 'list'",
    ),
    (
        "batch_input_shape",
        "Any layer could tell the input's shape; an InputLayer calls it batch_shape now.",
        "Unrecognized keyword arguments passed to Dense: {'batch_input_shape': [None, 4]}",
    ),
    (
        "cudnn",
        "CuDNNLSTM and CuDNNGRU were classes of their own; LSTM and GRU compute the same.",
        f"Could not deserialize 'keras.layers.CuDNNLSTM' {_UNKNOWN}",
    ),
    (
        "custom_activation",
        "An activation of the operator's own was given by its bare name.",
        "Could not interpret activation function identifier: <lambda>",
    ),
    (
        "dropped_arguments",
        "Arguments that never changed an answer are gone (input_length, groups of 1, ...).",
        "Unrecognized keyword arguments passed to DepthwiseConv2D: {'groups': 1}",
    ),
    (
        "dtype_policy",
        "A dtype policy was an object of another class.",
        "'str' object has no attribute 'quantization_mode'",
    ),
    (
        "gru_reset_after",
        "A GRU from before Keras 2.2 doesn't say that it resets before; Keras 3 resets after.",
        "Weight expects shape (2, 6). Received saved weight with shape (6,)",
    ),
    (
        "hard_sigmoid",
        "hard_sigmoid was clip(0.2 x + 0.5, 0, 1); Keras 3 computes relu6(x + 3) / 6.",
        SILENT,
    ),
    (
        "initializer_dtype",
        "Initializers took a dtype.",
        "Zeros() takes no arguments",
    ),
    (
        "leaky_slope",
        "LeakyReLU's alpha is called negative_slope.",
        "Argument `alpha` is deprecated. Use `negative_slope` instead.",
    ),
    (
        "normalization_arguments",
        "BatchNormalization wrote how it computes (fused, renorm, virtual_batch_size).",
        "Unrecognized keyword arguments passed to BatchNormalization: {'fused': True}",
    ),
    (
        "numpy_value",
        "NumPy's numbers were written with their type beside them.",
        "'<' not supported between instances of 'dict' and 'int'",
    ),
    (
        "random_size",
        "RandomHeight and RandomWidth are gone; they only changed pictures in training.",
        f"Could not deserialize 'keras.layers.RandomHeight' {_UNKNOWN}",
    ),
    (
        "recurrent_default",
        "The gates of LSTM and GRU were hard sigmoids before Keras 2.3 where a file says nothing.",
        SILENT,
    ),
    (
        "spatial_dropout",
        "SpatialDropout takes neither trainable nor noise_shape.",
        "SpatialDropout1D.__init__() got an unexpected keyword argument 'trainable'",
    ),
    (
        "theano_padding",
        "Theano put the odd row of padding before the image, TensorFlow puts it behind; the "
        "service's own layers pad as Theano did.",
        SILENT,
    ),
    (
        "thresholded_relu",
        "ThresholdedReLU is gone; the service has its own.",
        f"Could not deserialize 'keras.layers.ThresholdedReLU' {_UNKNOWN}",
    ),
    (
        "time_major",
        "Recurrent layers of tf.keras 2 could have the steps before the batch.",
        "Unrecognized keyword arguments passed to LSTM: {'time_major': False}",
    ),
    (
        "versioned_class",
        "tf.keras had some layers twice and wrote which of the two (BatchNormalizationV2).",
        f"Could not deserialize 'keras.layers.BatchNormalizationV2' {_UNKNOWN}",
    ),
    (
        "versioned_part",
        "tf.keras had initializers twice and wrote which of the two (GlorotUniformV2).",
        "Could not interpret initializer identifier: {'class_name': 'GlorotUniformV2'",
    ),
)
_KERAS_1 = (
    (
        "keras_1_arguments",
        "Keras 1 had other names for most arguments (nb_filter, border_mode, output_dim, ...).",
        "Dense.__init__() missing 1 required positional argument: 'units'",
    ),
    (
        "keras_1_class",
        "Keras 1 had other names for some layers (Convolution2D, AtrousConvolution2D, ...).",
        f"Could not deserialize 'keras.layers.AtrousConvolution2D' {_UNKNOWN}",
    ),
    (
        "keras_1_merge",
        "Merge of Keras 1 is a class for each way of merging now.",
        f"Could not deserialize 'keras.layers.Merge' {_UNKNOWN}",
    ),
    (
        "keras_1_ordering",
        "Padding, cropping and upsampling of Keras 1 didn't write their dim_ordering.",
        SILENT,
    ),
    (
        "keras_1_part",
        "Keras 1 gave regularizers and constraints by name, their numbers beside it.",
        "Unknown `config` as a `dict`, config={'name': 'WeightRegularizer', 'l2': 1}",
    ),
    (
        "merged_sequential",
        "A Sequential of Keras 1 could begin with a Merge of others; it is functional now.",
        f"Could not deserialize 'keras.layers.Merge' {_UNKNOWN}",
    ),
)
_TRAINING = (
    (
        "loss_names",
        "Losses and metrics had other names (cosine_proximity).",
        "Could not interpret loss identifier: cosine_proximity",
    ),
    (
        "optimizer_arguments",
        "Optimizers had other arguments (lr, decay).",
        "Argument(s) not recognized: {'lr': 0.1}",
    ),
)
