"""What an architecture may name: the allow-list of classes, arguments and functions.

A configuration is a program: it names classes and functions to be imported and called. Nothing
that isn't listed here is ever given to Keras. Which arguments each class takes lies in
`allowed.json`, made from the constructors of Keras 3 and Keras 2.
"""

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

ALLOWED_FILE = Path(__file__).with_suffix(".json")

LAYERS = frozenset(
    """
    Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D
    AdaptiveAveragePooling3D AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add
    AdditiveAttention AlphaDropout Attention Average AveragePooling1D AveragePooling2D
    AveragePooling3D AvgPool1D AvgPool2D AvgPool3D BatchNormalization Bidirectional
    CategoryEncoding CenterCrop Concatenate Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D
    Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Convolution1D Convolution1DTranspose
    Convolution2D Convolution2DTranspose Convolution3D Convolution3DTranspose Cropping1D
    Cropping2D Cropping3D Dense DepthwiseConv1D DepthwiseConv2D Discretization Dot Dropout ELU
    EinsumDense Embedding Flatten GRU GRUCell GaussianDropout GaussianNoise
    GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalAvgPool1D
    GlobalAvgPool2D GlobalAvgPool3D GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPool3D
    GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization
    GroupQueryAttention HashedCrossing Hashing Identity InputLayer IntegerLookup LSTM LSTMCell
    LayerNormalization LeakyReLU Masking MaxPool1D MaxPool2D MaxPool3D MaxPooling1D MaxPooling2D
    MaxPooling3D Maximum MelSpectrogram Minimum MultiHeadAttention Multiply Normalization PReLU
    Permute RMSNormalization RNN RandomBrightness RandomContrast RandomCrop RandomFlip
    RandomHeight RandomRotation RandomTranslation RandomWidth RandomZoom ReLU RepeatVector
    Rescaling Reshape Resizing STFTSpectrogram SeparableConv1D SeparableConv2D
    SeparableConvolution1D SeparableConvolution2D SimpleRNN SimpleRNNCell Softmax
    SpatialDropout1D SpatialDropout2D SpatialDropout3D SpectralNormalization StackedRNNCells
    StringLookup Subtract TextVectorization ThresholdedReLU TimeDistributed UnitNormalization
    UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D
    """.split()
)
# Gone from Keras, or never in the list above: rules rewrite them, or refuse them with a reason.
OLD_LAYERS = frozenset(
    """
    AtrousConvolution1D AtrousConvolution2D BatchNormalizationV1 BatchNormalizationV2 CuDNNGRU
    CuDNNLSTM Deconvolution2D Deconvolution3D GRUV1 GRUV2 Highway LSTMV1 LSTMV2
    LocallyConnected1D LocallyConnected2D MaxoutDense Merge ParametricSoftplus SReLU
    SlicingOpLambda SyncBatchNormalization TFOpLambda TensorFlowOpLayer TimeDistributedDense
    UnifiedGRU UnifiedLSTM
    """.split()
)
MODELS = frozenset({"Sequential", "Functional", "Model"})
SMALL_PARTS = frozenset(
    """
    Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity IdentityInitializer
    LecunNormal LecunUniform Ones Orthogonal OrthogonalInitializer RandomNormal RandomUniform
    TruncatedNormal VarianceScaling Zeros L1 L1L2 L2 OrthogonalRegularizer MaxNorm MinMaxNorm
    NonNeg UnitNorm DTypePolicy DTypePolicyMap Policy FloatDTypePolicy QuantizedDTypePolicy
    """.split()
)
# Objects of small parts that earlier versions wrote under other names; only rules meet them.
OLD_PARTS = re.compile(r"(\w+)V[12]|L1Regularizer|L2Regularizer|WeightRegularizer|\w+Initializer")
VALUES = frozenset(
    """
    __bytes__ __ellipsis__ __keras_tensor__ __numpy__ __slice__ __tensor__ __tuple__ TensorShape
    """.split()
)
ACTIVATIONS = frozenset(
    """
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh
    leaky_relu linear log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink
    softmax softmax_v2 softplus softsign sparse_plus sparse_sigmoid sparsemax squareplus swish tanh
    tanh_shrink threshold
    """.split()
)
# Functions of TensorFlow that tf.keras recorded as layers (TFOpLambda); pure computing alone.
TENSORFLOW_FUNCTIONS = frozenset(
    """
    __operators__.add __operators__.eq __operators__.getitem __operators__.logical_and
    __operators__.logical_or __operators__.ne abs add argmax argmin boolean_mask broadcast_to
    cast clip_by_value compat.v1.floor_div compat.v1.gather compat.v1.pad compat.v1.shape
    compat.v1.squeeze compat.v1.transpose concat convert_to_tensor cos cumsum einsum exp
    expand_dims floor gather identity image.resize linalg.band_part linalg.matmul math.abs
    math.add math.argmax math.cos math.cumsum math.divide math.divide_no_nan math.equal math.erf
    math.exp math.floor math.floordiv math.floormod math.greater math.greater_equal
    math.l2_normalize math.less math.less_equal math.log math.log1p math.logical_and
    math.logical_not math.logical_or math.maximum math.mean math.minimum math.mod math.multiply
    math.multiply_no_nan math.negative math.not_equal math.pow math.reciprocal math.reduce_all
    math.reduce_any math.reduce_max math.reduce_mean math.reduce_min math.reduce_prod
    math.reduce_std math.reduce_sum math.reduce_variance math.round math.rsqrt math.sigmoid
    math.sign math.sin math.softmax math.softplus math.sqrt math.square math.squared_difference
    math.subtract math.tanh math.top_k math.truediv matmul multiply nn.avg_pool nn.bias_add
    nn.conv1d nn.conv2d nn.depth_to_space nn.elu nn.gelu nn.l2_normalize nn.leaky_relu
    nn.log_softmax nn.max_pool nn.relu nn.relu6 nn.selu nn.sigmoid nn.silu nn.softmax
    nn.softplus nn.space_to_depth nn.swish nn.tanh one_hot ones_like pad rank repeat reshape
    reverse round shape sigmoid sign sin split sqrt square squeeze stack stop_gradient
    strided_slice subtract tanh tensordot tile transpose unstack where zeros_like
    """.split()
)
KERAS_MODULE = re.compile(
    r"builtins|keras|tf_keras|tensorflow\.keras|"
    r"(tf_keras|keras|tensorflow\.keras|tensorflow\.python\.keras)(\.src)?(\.api)?(\._v2\.keras)?"
    r"\.(activations|constraints|dtype_policies|engine|initializers|layers|mixed_precision|models|"
    r"optimizers|regularizers)(\.(?!\w*test)[a-z0-9_]+)*"
)
# What layers of Keras 1 were told; the classes that take them have other words for it now.
OLD_ARGUMENTS = frozenset(
    """
    U_init U_regularizer W_constraint W_init W_regularizer alpha_initializer atrous_rate axis
    b_constraint b_regularizer batch_size beta beta_init bias border_mode causal concat_axis
    consume_less data_format depth_multiplier depthwise_initializer dilation dim_ordering
    dot_axes dropout dropout_U dropout_W epsilon filter_length forget_bias_init gamma_init
    go_backwards ignore_axis_fill implementation init inner_activation inner_init inner_model
    input_dim input_dtype input_length keep_dims kernel_dim1 kernel_dim2 kernel_dim3 length
    merge_mode mode momentum nb_col nb_depth nb_feature nb_filter nb_row node_indices
    noise_shape output_dim output_shape p pool_length ragged return_sequences seed share_alpha
    shared_axes sigma sparse stateful stride subsample subsample_length tensor_indices theta
    transform_bias unroll wrapped
    """.split()
)


@functools.cache
def _lists() -> Mapping[str, Any]:
    listed: Mapping[str, Any] = orjson.loads(ALLOWED_FILE.read_bytes())
    return listed


def arguments_of(class_name: str) -> frozenset[str]:
    """The arguments that a layer or a small part takes in either Keras."""
    lists = _lists()
    return frozenset(lists["layers"].get(class_name, ())) | frozenset(
        lists["parts"].get(class_name, ())
    )


def operation_arguments(module: str, class_name: str) -> frozenset[str] | None:
    """The arguments of a tensor operation that Keras 3 records as a layer; none if not allowed."""
    found = _lists()["operations"].get(module, {}).get(class_name)
    return None if found is None else frozenset(found)


def is_of_keras(module: Any) -> bool:
    """True for no module at all, and for the modules in which Keras keeps what is listed here."""
    return module is None or (isinstance(module, str) and bool(KERAS_MODULE.fullmatch(module)))


def is_small_part(class_name: str) -> bool:
    """True for initializers, regularizers, constraints and dtype policies of any era."""
    return class_name in SMALL_PARTS or OLD_PARTS.fullmatch(class_name) is not None
