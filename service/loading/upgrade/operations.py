"""Functions of TensorFlow that tf.keras 2.4 to 2.15 recorded as layers, as operations of Keras 3.

`x * 2` or `tf.concat([x, y], 1)` on tensors of a model became a layer of the class TFOpLambda that
names the function. The table holds the common ones; another one is an error that names it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from service.base.strict_json import Json
from service.loading.upgrade.functional import call, constant, read_call
from service.loading.upgrade.tree import is_reference, references_within

LAYER_CLASSES = frozenset({"TFOpLambda", "SlicingOpLambda"})
GET_ITEM = "__operators__.getitem"
NUMPY, NN, MATH, CORE = (f"keras.src.ops.{home}" for home in ("numpy", "nn", "math", "core"))


@dataclass(frozen=True, slots=True)
class Operation:
    """One of Keras 3: further `tensors` by TensorFlow's names in Keras' order, and `settings`.

    `settings` are TensorFlow's names of what Keras' constructor takes, with Keras' name for each;
    `fixed` are those whose default differs.
    """

    module: str
    class_name: str
    tensors: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)


def _pair(class_name: str) -> Operation:
    return Operation(NUMPY, class_name, ("y",))


def _along(class_name: str) -> Operation:
    settings = {"axis": "axis", "keepdims": "keepdims", "keep_dims": "keepdims"}
    return Operation(NUMPY, class_name, settings=settings)


_AXIS = {"axis": "axis"}
OPERATIONS: Mapping[str, Operation] = {
    "__operators__.add": _pair("Add"),
    "math.add": _pair("Add"),
    "math.subtract": _pair("Subtract"),
    "math.multiply": _pair("Multiply"),
    "math.truediv": _pair("TrueDivide"),
    "math.divide": _pair("TrueDivide"),
    "math.floordiv": _pair("FloorDivide"),
    "math.mod": _pair("Mod"),
    "math.pow": _pair("Power"),
    "math.maximum": _pair("Maximum"),
    "math.minimum": _pair("Minimum"),
    "math.greater": _pair("Greater"),
    "math.greater_equal": _pair("GreaterEqual"),
    "math.less": _pair("Less"),
    "math.less_equal": _pair("LessEqual"),
    "math.equal": _pair("Equal"),
    "math.not_equal": _pair("NotEqual"),
    "math.logical_and": _pair("LogicalAnd"),
    "math.logical_or": _pair("LogicalOr"),
    "math.logical_not": Operation(NUMPY, "LogicalNot"),
    "math.reduce_mean": _along("Mean"),
    "math.reduce_sum": _along("Sum"),
    "math.reduce_max": _along("Max"),
    "math.reduce_min": _along("Min"),
    "math.reduce_prod": _along("Prod"),
    "math.reduce_std": _along("Std"),
    "math.reduce_variance": _along("Var"),
    "math.argmax": Operation(NUMPY, "Argmax", settings=_AXIS, fixed={"axis": 0}),
    "math.abs": Operation(NUMPY, "Absolute"),
    "math.cos": Operation(NUMPY, "Cos"),
    "math.exp": Operation(NUMPY, "Exp"),
    "math.floor": Operation(NUMPY, "Floor"),
    "math.log": Operation(NUMPY, "Log"),
    "math.log1p": Operation(NUMPY, "Log1p"),
    "math.negative": Operation(NUMPY, "Negative"),
    "math.reciprocal": Operation(NUMPY, "Reciprocal"),
    "math.sign": Operation(NUMPY, "Sign"),
    "math.sin": Operation(NUMPY, "Sin"),
    "math.sqrt": Operation(NUMPY, "Sqrt"),
    "math.square": Operation(NUMPY, "Square"),
    "math.tanh": Operation(NUMPY, "Tanh"),
    "math.erf": Operation(MATH, "Erf"),
    "math.rsqrt": Operation(MATH, "Rsqrt"),
    "math.sigmoid": Operation(NN, "Sigmoid"),
    "math.softplus": Operation(NN, "Softplus"),
    "nn.elu": Operation(NN, "Elu"),
    "nn.gelu": Operation(NN, "Gelu", settings={"approximate": "approximate"},
                         fixed={"approximate": False}),
    "nn.leaky_relu": Operation(NN, "LeakyRelu", settings={"alpha": "negative_slope"}),
    "nn.log_softmax": Operation(NN, "LogSoftmax", settings=_AXIS),
    "nn.relu": Operation(NN, "Relu"),
    "nn.relu6": Operation(NN, "Relu6"),
    "nn.selu": Operation(NN, "Selu"),
    "nn.silu": Operation(NN, "Silu"),
    "nn.softmax": Operation(NN, "Softmax", settings=_AXIS),
    "clip_by_value": Operation(
        NUMPY, "Clip", settings={"clip_value_min": "x_min", "clip_value_max": "x_max"}
    ),
    "cast": Operation(CORE, "Cast", settings={"dtype": "dtype"}),
    "concat": Operation(NUMPY, "Concatenate", settings=_AXIS),
    "expand_dims": Operation(NUMPY, "ExpandDims", settings=_AXIS),
    "identity": Operation("keras.layers", "Identity"),
    "linalg.matmul": Operation(NUMPY, "Matmul", ("b",)),
    "ones_like": Operation(NUMPY, "OnesLike"),
    "repeat": Operation(NUMPY, "Repeat", settings={"repeats": "repeats", "axis": "axis"}),
    "reshape": Operation(NUMPY, "Reshape", settings={"shape": "newshape"}),
    "reverse": Operation(NUMPY, "Flip", settings=_AXIS),
    "split": Operation(
        NUMPY, "Split", settings={"num_or_size_splits": "indices_or_sections", "axis": "axis"}
    ),
    "squeeze": Operation(NUMPY, "Squeeze", settings=_AXIS),
    "stack": Operation(NUMPY, "Stack", settings=_AXIS),
    "tile": Operation(NUMPY, "Tile", settings={"multiples": "repeats"}),
    "transpose": Operation(NUMPY, "Transpose", settings={"perm": "axes"}),
    "where": Operation(NUMPY, "Where", ("x", "y")),
    "zeros_like": Operation(NUMPY, "ZerosLike"),
}  # fmt: skip
SYNONYMS = {
    "abs": "math.abs",
    "add": "math.add",
    "exp": "math.exp",
    "floor_div": "math.floordiv",
    "matmul": "linalg.matmul",
    "math.softmax": "nn.softmax",
    "multiply": "math.multiply",
    "nn.sigmoid": "math.sigmoid",
    "nn.softplus": "math.softplus",
    "nn.swish": "nn.silu",
    "nn.tanh": "math.tanh",
    "sigmoid": "math.sigmoid",
    "sqrt": "math.sqrt",
    "square": "math.square",
    "subtract": "math.subtract",
    "tanh": "math.tanh",
}
# `name` names the operation in TensorFlow's own graph.
WITHOUT_EFFECT = frozenset({"name"})


def is_tensorflow_function(layer: Json) -> bool:
    """True for the layers that name a function of TensorFlow."""
    return layer["class_name"] in LAYER_CLASSES


def upgrade_operation(layer: Json) -> None:
    """Turn such a layer into an operation of Keras 3, in place, its calls included.

    Raises ValueError that names the function when it has no equal here.
    """
    function = str(layer["config"]["function"]).removeprefix("tf.").removeprefix("compat.v1.")
    function = SYNONYMS.get(function, function)
    name = layer["config"]["name"]
    calls = [read_call(node) for node in layer["inbound_nodes"]]
    if function == GET_ITEM:
        operation = Operation(NUMPY, "GetItem")
        nodes = [call([x, _key(arguments["slice_spec"], name)], {}) for x, arguments in calls]
        settings: Json = {}
    else:
        operation = _operation(function, name)
        settings = _settings(operation, [arguments for _, arguments in calls], function, name)
        nodes = [
            call([x, *(_value(arguments[key]) for key in operation.tensors)], {})
            for x, arguments in calls
        ]
    layer |= {
        "module": operation.module,
        "class_name": operation.class_name,
        "registered_name": None,
        "config": {"name": name, **settings},
        "inbound_nodes": nodes,
    }
    layer.pop("build_config", None)


def _operation(function: str, name: str) -> Operation:
    if function not in OPERATIONS:
        raise ValueError(
            f"layer '{name}' is TensorFlow's function {function}, "
            "which has no equal in Keras 3 here"
        )
    return OPERATIONS[function]


def _settings(operation: Operation, calls: list[Json], function: str, name: str) -> Json:
    """What the calls say, as arguments of the constructor: all calls must say the same."""
    found = [_said(operation, arguments, function, name) for arguments in calls]
    if any(settings != found[0] for settings in found):
        raise ValueError(f"layer '{name}' is called in several ways, which Keras 3 has no form for")
    settings = {**operation.fixed, **(found[0] if found else {})}
    sections = settings.get("indices_or_sections")
    if isinstance(sections, list):  # TensorFlow gives sizes, Keras where to cut
        settings["indices_or_sections"] = [sum(sections[:i]) for i in range(1, len(sections))]
    return settings


def _said(operation: Operation, arguments: Json, function: str, name: str) -> Json:
    settings: Json = {}
    for key, value in arguments.items():
        if key in operation.tensors or key in WITHOUT_EFFECT:
            continue
        is_fixed = not references_within([value])
        if key in operation.settings and is_fixed:
            if value is not None:
                settings[operation.settings[key]] = value
        elif value not in (None, False):
            raise ValueError(
                f"layer '{name}' calls TensorFlow's {function} with {key}, "
                "which has no equal in Keras 3 here"
            )
    return settings


def _value(value: Any) -> Any:
    return value if is_reference(value) else constant(value)


def _key(spec: Any, name: str) -> Any:
    """What stands in the brackets of `x[...]`."""
    if isinstance(spec, list) and not is_reference(spec):
        return [_key(item, name) for item in spec]
    if spec is None or type(spec) is int:
        return spec
    if isinstance(spec, dict) and spec.get("class_name") == "__ellipsis__":
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(spec, dict) and not references_within(list(spec.values())):
        return {
            "class_name": "__slice__",
            "config": {k: spec.get(k) for k in ("start", "stop", "step")},
        }
    raise ValueError(f"layer '{name}' takes a part of a tensor that another tensor chooses")
