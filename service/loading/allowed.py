"""What an architecture may name: an allow-list over every class and function in a configuration.

A configuration is a program: it names classes and functions to be imported and called. Nothing
that isn't listed here is ever given to Keras.
"""

import re
from collections.abc import Iterator
from typing import Any

LAYERS = frozenset(
    """
    Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D
    AdaptiveAveragePooling3D AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add
    AdditiveAttention AlphaDropout Attention Average AveragePooling1D AveragePooling2D
    AveragePooling3D AvgPool1D AvgPool2D AvgPool3D BatchNormalization BatchNormalizationV1
    Bidirectional CategoryEncoding CenterCrop Concatenate Conv1D Conv1DTranspose Conv2D
    Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Convolution1D
    Convolution1DTranspose Convolution2D Convolution2DTranspose Convolution3D
    Convolution3DTranspose Cropping1D Cropping2D Cropping3D Dense DepthwiseConv1D DepthwiseConv2D
    Discretization Dot Dropout ELU EinsumDense Embedding Flatten GRU GRUCell GaussianDropout
    GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
    GlobalAvgPool1D GlobalAvgPool2D GlobalAvgPool3D GlobalMaxPool1D GlobalMaxPool2D
    GlobalMaxPool3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization
    GroupQueryAttention HashedCrossing Hashing Identity InputLayer IntegerLookup LSTM LSTMCell
    LayerNormalization LeakyReLU Masking MaxPool1D MaxPool2D MaxPool3D MaxPooling1D MaxPooling2D
    MaxPooling3D Maximum MelSpectrogram Minimum MultiHeadAttention Multiply Normalization PReLU
    Permute RMSNormalization RNN RandomBrightness RandomContrast RandomCrop RandomFlip
    RandomRotation RandomTranslation RandomZoom ReLU RepeatVector Rescaling Reshape Resizing
    STFTSpectrogram SeparableConv1D SeparableConv2D SeparableConvolution1D SeparableConvolution2D
    SimpleRNN SimpleRNNCell Softmax SpatialDropout1D SpatialDropout2D SpatialDropout3D
    SpectralNormalization StackedRNNCells StringLookup Subtract TextVectorization ThresholdedReLU
    TimeDistributed UnitNormalization UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D
    ZeroPadding2D ZeroPadding3D
    """.split()
)
MODELS = frozenset({"Sequential", "Functional", "Model"})
SMALL_PARTS = frozenset(
    """
    Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity IdentityInitializer
    LecunNormal LecunUniform Ones Orthogonal OrthogonalInitializer RandomNormal RandomUniform
    TruncatedNormal VarianceScaling Zeros L1 L1L2 L2 OrthogonalRegularizer MaxNorm MinMaxNorm
    NonNeg UnitNorm DTypePolicy Policy FloatDTypePolicy
    """.split()
)
VALUES = frozenset(
    "__keras_tensor__ __tensor__ __numpy__ __tuple__ __ellipsis__ __slice__ TensorShape".split()
)
ACTIVATIONS = frozenset(
    """
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh
    leaky_relu linear log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink
    softmax softplus softsign sparse_plus sparse_sigmoid sparsemax squareplus swish tanh
    tanh_shrink threshold
    """.split()
)
# Operations on tensors that Keras 3 records as layers; those that take functions aren't among them.
OPERATION_MODULES = re.compile(r"keras\.src\.ops\.(numpy|nn|math|linalg|image)")
OPERATION_CLASS = re.compile(r"[A-Z][A-Za-z0-9]*")
KERAS_MODULE = re.compile(
    r"(keras|tensorflow\.keras|tf_keras|builtins|(tf_)?keras\.(src\.)?[a-z0-9_.]+|"
    r"tensorflow\.python\.keras\.[a-z0-9_.]+|tensorflow\.keras\.[a-z0-9_.]+)"
)
KEYS_OF_NAMES = frozenset({"activation", "recurrent_activation"})


def find_hazards(config: Any) -> tuple[list[str], list[str]]:
    """All that an architecture names beyond the allow-list: (hazards, custom classes).

    Hazards could run code that the file brings; custom classes are merely unknown here.
    """
    hazards: list[str] = []
    custom: list[str] = []
    for path, item in _objects(config):
        class_name = item["class_name"]
        where = f"{path} ({_layer_name(item)})" if _layer_name(item) else path
        if not isinstance(class_name, str):
            hazards.append(f"{where}: class_name is no text")
        elif class_name == "Lambda" or class_name == "__lambda__":
            hazards.append(
                f"{where}: a Lambda carries Python bytecode that would run; "
                "replace it by a registered layer and save the model again"
            )
        elif class_name == "function":
            hazards.extend(_function_hazards(where, item))
        elif not _is_known(class_name, item):
            custom.append(class_name)
        custom.extend(_custom_activations(item))
    hazards.extend(_vocabulary_hazards(config))
    return hazards, sorted(set(custom))


def _is_known(class_name: str, item: dict[str, Any]) -> bool:
    module = item.get("module")
    if class_name in VALUES:
        return True
    if isinstance(module, str) and OPERATION_MODULES.fullmatch(module):
        return OPERATION_CLASS.fullmatch(class_name) is not None
    if not _is_of_keras(module):
        return False
    registered = item.get("registered_name")
    if registered not in (None, class_name) and class_name not in MODELS:
        return False
    return class_name in LAYERS or class_name in MODELS or class_name in SMALL_PARTS


def _is_of_keras(module: Any) -> bool:
    return module is None or (isinstance(module, str) and bool(KERAS_MODULE.fullmatch(module)))


def _function_hazards(where: str, item: dict[str, Any]) -> Iterator[str]:
    name = item.get("config")
    is_activation = isinstance(name, str) and name in ACTIVATIONS
    if not is_activation or not _is_of_keras(item.get("module")):
        yield f"{where}: names the function {name!r}, which is no activation of Keras"


def _custom_activations(item: dict[str, Any]) -> Iterator[str]:
    inner = item.get("config")
    if isinstance(inner, dict):
        for key in sorted(KEYS_OF_NAMES & inner.keys()):
            name = inner[key]
            if isinstance(name, str) and name not in ACTIVATIONS:
                yield name


def _vocabulary_hazards(config: Any) -> Iterator[str]:
    """A vocabulary given as text is a path or an address that Keras would open."""
    for path, item in _objects(config):
        inner = item.get("config")
        if isinstance(inner, dict) and isinstance(inner.get("vocabulary"), str):
            yield f"{path}: the vocabulary names a file to be read"


def _layer_name(item: dict[str, Any]) -> str:
    inner = item.get("config")
    name = inner.get("name") if isinstance(inner, dict) else None
    return f"layer '{name}'"[:80] if isinstance(name, str) else ""


def _objects(config: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every dictionary that names a class, with its path; iterative, so depth can't hurt."""
    pending: list[tuple[str, Any]] = [("model", config)]
    while pending:
        path, value = pending.pop()
        if isinstance(value, dict):
            if "class_name" in value:
                yield path, value
            pending.extend((f"{path}.{key}", inner) for key, inner in value.items())
        elif isinstance(value, list):
            pending.extend((f"{path}[{index}]", inner) for index, inner in enumerate(value))
