"""What each kind of layer gives and needs: a table of rules over its configuration and inputs."""

import math
from collections.abc import Callable
from functools import reduce
from typing import Any

from service.loading.sizes.layer_call import (
    Call,
    LayerFault,
    Shape,
    Sized,
    UnknownShape,
    axis,
    broadcast,
    checked,
    count,
    items,
    known,
    read_shape,
    show,
    whole,
)
from service.loading.sizes.layers_encoding import ENCODING_RULES
from service.loading.sizes.layers_recurrent import RECURRENT_RULES
from service.loading.sizes.layers_spatial import SPATIAL_RULES, lora

Rule = Callable[[Call], Sized]


def _same(call: Call) -> Sized:
    """Layers that work on each element and have no weights."""
    return Sized((call.shape,))


def _input(call: Call) -> Sized:
    return Sized((call.inputs[0] if call.inputs else declared(call),))


def declared(call: Call) -> Shape:
    """The shape that a layer's configuration gives for its own input, batch axis included."""
    value = call.value("batch_shape", "batch_input_shape")
    if value is not None:
        return read_shape(value)
    inner = call.value("shape", "input_shape")
    if inner is not None:
        return (None, *read_shape([None, *items(inner)])[1:])
    if call.kind == "Embedding" and call.config.get("input_dim") is not None:
        length = items(call.config.get("input_length"))
        return read_shape([None, *(length if isinstance(length, list) else [length])])
    if call.config.get("input_dim") is not None:
        steps = [call.config.get("input_length")] if "input_length" in call.config else []
        return read_shape([None, *steps, call.whole("input_dim")])
    raise UnknownShape(call.kind)


def _dense(call: Call) -> Sized:
    units = call.whole("units", "output_dim")
    width = known(call.shape, -1)
    if len(call.shape) < 2:
        raise LayerFault(f"input of shape {show(call.shape)}, expected 2 axes or more")
    parameters = width * units + units * call.flag("use_bias", "bias")
    parameters += lora(call, (width, units))
    return Sized((checked((*call.shape[:-1], units)),), parameters)


def _einsum_dense(call: Call) -> Sized:
    equation = call.value("equation")
    if not isinstance(equation, str) or len(equation) > 200:
        raise LayerFault(f"equation = {show(equation)}, expected text such as ab,bc->ac")
    left, arrow, right = equation.replace(" ", "").partition("->")
    source, comma, weights = left.partition(",")
    if not arrow or not comma:
        raise LayerFault(f"equation = {show(equation)}, expected text such as ab,bc->ac")
    size_by_label, more = _labels(call.shape, source)
    given = items(call.value("output_shape"))
    sizes = list(given) if isinstance(given, list) else [given]
    labels = right.replace("...", "")[-len(sizes) :]
    for label, size in zip(labels, sizes, strict=False):
        if size is not None and size_by_label.get(label) is None:
            size_by_label[label] = whole("output_shape", size)
    kernel = _labelled(weights, size_by_label)
    bias = _labelled(call.value("bias_axes", default=""), size_by_label)
    first = size_by_label.get(right[0]) if right[:1] not in ("", ".") else None
    shape = [size for part in _parts(right, more, size_by_label) for size in part]
    parameters = math.prod(kernel) + (math.prod(bias) if bias else 0) + lora(call, kernel)
    return Sized((checked([first, *shape[1:]] if first else shape),), parameters)


def _labelled(labels: Any, sizes: dict[str, int | None]) -> tuple[int, ...]:
    if not isinstance(labels, str):
        raise LayerFault(f"bias_axes = {show(labels)}, expected letters of the equation")
    unknown = [label for label in labels if sizes.get(label) is None]
    if unknown:
        raise LayerFault(f"the size of the equation's axis {unknown[0]!r} isn't known")
    return tuple(sizes[label] or 0 for label in labels)


def _labels(shape: Shape, source: str) -> tuple[dict[str, int | None], Shape]:
    """The size behind each letter of an equation's input, and the axes behind its dots."""
    before, dots, after = source.partition("...")
    many = len(shape) - len(before) - len(after)
    if many < 0 or (many and not dots):
        raise LayerFault(f"input of shape {show(shape)} doesn't fit the equation's {source!r:.40}")
    sizes = dict(zip(before, shape, strict=False))
    sizes |= zip(after, shape[len(before) + many :], strict=False)
    return sizes, shape[len(before) : len(before) + many]


def _parts(right: str, more: Shape, sizes: dict[str, int | None]) -> list[Shape]:
    before, _, after = right.partition("...")
    middle = more if "..." in right else ()
    return [tuple(map(sizes.get, before)), middle, tuple(map(sizes.get, after))]


def _embedding(call: Call) -> Sized:
    rows, width = call.whole("input_dim"), call.whole("output_dim")
    return Sized((checked((*call.shape, width)),), rows * width + lora(call, (rows, width)))


def _batch_normalization(call: Call) -> Sized:
    axes = call.axes(len(call.shape), "axis", default=-1)
    size = math.prod(known(call.shape, index) for index in axes)
    vectors = 2 + call.flag("center") + call.flag("scale") + 2 * call.flag("renorm", default=False)
    return Sized((call.shape,), vectors * size)


def _layer_normalization(call: Call) -> Sized:
    size = math.prod(known(call.shape, i) for i in call.axes(len(call.shape), "axis"))
    vectors = int(call.flag("scale"))
    if call.kind != "RMSNormalization" and not call.flag("rms_scaling", default=False):
        vectors += call.flag("center")
    return Sized((call.shape,), vectors * size)


def _group_normalization(call: Call) -> Sized:
    groups = call.whole("groups", default=32, least=-1)
    size = known(call.shape, axis("axis", call.value("axis", default=-1), len(call.shape)))
    if groups == 0 or (groups > 0 and size % groups):
        raise LayerFault(f"groups = {groups}, expected a divisor of {size} channels")
    return Sized((call.shape,), (call.flag("scale") + call.flag("center")) * size)


def _normalization(call: Call) -> Sized:
    """Mean and variance are weights unless the configuration holds them."""
    if call.config.get("mean") is not None:
        return Sized((call.shape,))
    axes: tuple[int, ...] = ()
    if call.config.get("axis", -1) is not None:
        axes = call.axes(len(call.shape), "axis")
    return Sized((call.shape,), 2 * math.prod(known(call.shape, i) for i in axes) + 1)


def _prelu(call: Call) -> Sized:
    rank = len(call.shape)
    shared = call.axes(rank, "shared_axes") if call.value("shared_axes") else ()
    slopes = (known(call.shape, index) for index in range(1, rank) if index not in shared)
    return Sized((call.shape,), math.prod(slopes))


def _reshape(call: Call) -> Sized:
    value = items(call.value("target_shape", "dims"))
    if not isinstance(value, list) or value.count(-1) > 1:
        raise LayerFault(f"target_shape = {show(value)}, expected sizes with at most one -1")
    target = [-1 if size is None else whole("target_shape", size, -1) for size in value]
    rest, fixed = call.shape[1:], math.prod(size for size in target if size != -1)
    sizes: list[int | None] = [None if size == -1 else size for size in target]
    if None not in rest:
        total = count(call.shape)
        if fixed == 0 or total % fixed or (-1 not in target and total != fixed):
            raise LayerFault(
                f"target_shape = {show(value)} for an input of shape {show(call.shape)}"
            )
        sizes = [total // fixed if size == -1 else size for size in target]
    return Sized((checked((call.shape[0], *sizes)),))


def _flatten(call: Call) -> Sized:
    size = None if None in call.shape[1:] else count(call.shape)
    return Sized((checked((call.shape[0], size)),))


def _permute(call: Call) -> Sized:
    dims, rank = items(call.value("dims")), len(call.shape)
    order = [whole("dims", index) for index in dims] if isinstance(dims, list) else []
    if sorted(order) != list(range(1, rank)):
        raise LayerFault(f"dims = {show(dims)}, expected an order of the axes 1 to {rank - 1}")
    return Sized((tuple(call.shape[index] for index in (0, *order)),))


def _repeat(call: Call) -> Sized:
    times = call.whole("n")
    batch, width = call.ranked(2)
    return Sized((checked((batch, times, width)),))


def _merge(call: Call) -> Sized:
    shapes = call.shapes
    batches = {shape[0] for shape in shapes if shape} - {None}
    merged = reduce(broadcast, (shape[1:] for shape in shapes))
    return Sized((checked((batches.pop() if len(batches) == 1 else None, *merged)),))


def _concatenate(call: Call) -> Sized:
    first, rank = call.shapes[0], len(call.shapes[0])
    index = axis("axis", call.value("axis", "concat_axis", default=-1), rank)
    joined = list(first)
    for shape in call.shapes[1:]:
        if len(shape) != rank:
            raise LayerFault(f"inputs of shapes {show(first)} and {show(shape)} don't fit")
        pairs = list(zip(joined, shape, strict=True))
        for at, (a, b) in enumerate(pairs):
            if at != index and a != b and None not in (a, b) and at > 0:
                raise LayerFault(f"inputs of shapes {show(first)} and {show(shape)} don't fit")
        joined = [a if a is not None else b for a, b in pairs]
        a, b = pairs[index]
        joined[index] = None if a is None or b is None else a + b
    return Sized((checked(joined),))


def _dot(call: Call) -> Sized:
    if len(call.shapes) != 2:
        raise LayerFault(f"{len(call.shapes)} inputs, expected 2")
    first, second = call.shapes
    value = items(call.value("axes", "dot_axes"))
    pair = value if isinstance(value, list) else [value, value]
    if len(pair) != 2:
        raise LayerFault(f"axes = {show(value)}, expected one number or two")
    one, two = axis("axes", pair[0], len(first)), axis("axes", pair[1], len(second))
    if first[one] != second[two] and None not in (first[one], second[two]):
        raise LayerFault(f"inputs of shapes {show(first)} and {show(second)} don't fit")
    rest = [size for at, size in enumerate(first) if at != one]
    rest += [size for at, size in enumerate(second) if at not in (0, two)]
    return Sized((checked(rest if len(rest) > 1 else [*rest, 1]),))


RULES: dict[str, Rule] = (
    {
        "InputLayer": _input,
        "Dense": _dense,
        "EinsumDense": _einsum_dense,
        "Embedding": _embedding,
        **dict.fromkeys(("BatchNormalization", "BatchNormalizationV1"), _batch_normalization),
        **dict.fromkeys(("LayerNormalization", "RMSNormalization"), _layer_normalization),
        "GroupNormalization": _group_normalization,
        "Normalization": _normalization,
        "PReLU": _prelu,
        "Reshape": _reshape,
        "Flatten": _flatten,
        "Permute": _permute,
        "RepeatVector": _repeat,
        "Concatenate": _concatenate,
        "Dot": _dot,
    }
    | dict.fromkeys("Add Subtract Multiply Average Maximum Minimum".split(), _merge)
    | ENCODING_RULES
    | dict.fromkeys(
        """Activation ActivityRegularization AlphaDropout Dropout ELU GaussianDropout GaussianNoise
        Identity LeakyReLU Masking ReLU Rescaling Softmax SpatialDropout1D SpatialDropout2D
        SpatialDropout3D ThresholdedReLU UnitNormalization RandomBrightness RandomContrast
        RandomFlip RandomHeight RandomRotation RandomTranslation RandomWidth RandomZoom""".split(),
        _same,
    )
    | SPATIAL_RULES
    | RECURRENT_RULES
)
