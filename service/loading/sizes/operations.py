"""Shapes of the operations on tensors that Keras 3 records in a functional model."""

import math
import re
from collections.abc import Callable

from service.base.strict_json import Json
from service.loading.sizes.layer_call import (
    Call,
    LayerFault,
    Shape,
    Sized,
    UnknownShape,
    axis,
    broadcast,
    checked,
    items,
    show,
    whole,
)

Rule = Callable[[Call], Sized]
MODULE = re.compile(r"keras\.src\.ops\.[a-z]+")


def is_operation(item: Json) -> bool:
    """Whether this is an operation and no layer; both have names like Add and Reshape."""
    module = item.get("module")
    return isinstance(module, str) and MODULE.fullmatch(module) is not None


def _element_wise(call: Call) -> Sized:
    shape: Shape = ()
    for other in call.shapes:
        shape = broadcast(shape, other)
    return Sized((checked(shape),))


def _reduction(call: Call) -> Sized:
    rank = len(call.shape)
    gone = set(range(rank))
    if call.config.get("axis") is not None:
        gone = set(call.axes(rank, "axis"))
    if call.flag("keepdims", default=False):
        return Sized((tuple(1 if at in gone else size for at, size in enumerate(call.shape)),))
    return Sized((tuple(size for at, size in enumerate(call.shape) if at not in gone),))


def _reshape(call: Call) -> Sized:
    target = items(call.value("newshape"))
    if not isinstance(target, list):
        raise UnknownShape(call.kind)
    sizes = [None if size is None else whole("newshape", size, -1) for size in target]
    free = [at for at, size in enumerate(sizes) if size in (None, -1)]
    shape: list[int | None] = [None if at in free else size for at, size in enumerate(sizes)]
    if len(free) == 1 and None not in call.shape:
        fixed = math.prod(size for size in shape if size is not None)
        if not fixed or math.prod(size or 1 for size in call.shape) % fixed:
            raise LayerFault(f"newshape = {show(target)} for an input of shape {show(call.shape)}")
        shape[free[0]] = math.prod(size or 1 for size in call.shape) // fixed
    return Sized((checked(shape),))


def _transpose(call: Call) -> Sized:
    axes = items(call.value("axes"))
    rank = len(call.shape)
    order = axes if isinstance(axes, list) else list(range(rank))[::-1]
    turned = [axis("axes", index, rank) for index in order]
    if sorted(turned) != list(range(rank)):
        raise LayerFault(f"axes = {show(axes)}, expected an order of {rank} axes")
    return Sized((tuple(call.shape[index] for index in turned),))


def _expand(call: Call) -> Sized:
    sizes: list[int | None] = list(call.shape)
    for at in sorted(call.axes(len(sizes) + 1, "axis")):
        sizes.insert(at, 1)
    return Sized((checked(sizes),))


def _squeeze(call: Call) -> Sized:
    if call.config.get("axis") is None:
        return Sized((tuple(size for size in call.shape if size != 1),))
    gone = call.axes(len(call.shape), "axis")
    return Sized((tuple(size for at, size in enumerate(call.shape) if at not in gone),))


def _concatenate(call: Call) -> Sized:
    first = call.shapes[0]
    at = axis("axis", call.value("axis", default=0), len(first))
    if any(len(shape) != len(first) for shape in call.shapes):
        raise LayerFault("its inputs have different numbers of axes")
    parts = [shape[at] for shape in call.shapes]
    known = [size for size in parts if size is not None]
    joined = sum(known) if len(known) == len(parts) else None
    return Sized((checked((*first[:at], joined, *first[at + 1 :])),))


def _stack(call: Call) -> Sized:
    first = call.shapes[0]
    at = axis("axis", call.value("axis", default=0), len(first) + 1)
    return Sized((checked((*first[:at], len(call.shapes), *first[at:])),))


def _repeat(call: Call) -> Sized:
    times = call.whole("repeats")
    if call.config.get("axis") is None:
        raise UnknownShape(call.kind)
    at = axis("axis", call.value("axis"), len(call.shape))
    return Sized((_grown(call.shape, at, times),))


def _tile(call: Call) -> Sized:
    value = items(call.value("repeats"))
    if not isinstance(value, list) or len(value) > len(call.shape):
        raise UnknownShape(call.kind)
    shape = call.shape
    for at, times in enumerate(reversed(value), 1):
        shape = _grown(shape, len(shape) - at, whole("repeats", times))
    return Sized((shape,))


def _pad(call: Call) -> Sized:
    pairs = items(call.value("pad_width"))
    if not isinstance(pairs, list) or len(pairs) != len(call.shape):
        raise UnknownShape(call.kind)
    shape = call.shape
    for at, pair in enumerate(pairs):
        sides = items(pair)
        more = sum(whole("pad_width", side, 0) for side in sides)
        shape = _grown(shape, at, 1, more)
    return Sized((shape,))


def _grown(shape: Shape, at: int, times: int, more: int = 0) -> Shape:
    size = shape[at]
    return checked((*shape[:at], None if size is None else size * times + more, *shape[at + 1 :]))


def _one_hot(call: Call) -> Sized:
    many = call.whole("num_classes")
    at = axis("axis", call.value("axis", default=-1), len(call.shape) + 1)
    return Sized((checked((*call.shape[:at], many, *call.shape[at:])),))


def _matmul(call: Call) -> Sized:
    if len(call.shapes) != 2:
        raise UnknownShape(call.kind)
    first, second = call.shapes
    if min(len(first), len(second)) < 2:
        raise UnknownShape(call.kind)
    return Sized((checked((*broadcast(first[:-2], second[:-2]), first[-2], second[-1])),))


_OWN: dict[str, Rule] = {
    "Reshape": _reshape,
    "Transpose": _transpose,
    "ExpandDims": _expand,
    "Squeeze": _squeeze,
    "Concatenate": _concatenate,
    "Stack": _stack,
    "Repeat": _repeat,
    "Tile": _tile,
    "Pad": _pad,
    "OneHot": _one_hot,
    "Matmul": _matmul,
}
OPERATIONS: dict[str, Rule] = (
    _OWN
    | dict.fromkeys(
        """Absolute Abs Add Ceil Clip Cos Divide Elu Equal Exp Floor Gelu Greater GreaterEqual
        HardSigmoid HardSilu LeakyRelu Less LessEqual Log Log1p LogSoftmax LogicalAnd LogicalNot
        LogicalOr Maximum Minimum Mod Multiply Negative NotEqual Power Reciprocal Relu Relu6 Round
        Rsqrt Selu Sigmoid Sign Silu Sin Softmax Softplus Softsign Sqrt Square Subtract Tanh
        TrueDivide Where""".split(),
        _element_wise,
    )
    | dict.fromkeys(
        "All Any Argmax Argmin CountNonzero Logsumexp Max Mean Median Min Prod Std Sum Var".split(),
        _reduction,
    )
)
