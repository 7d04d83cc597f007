"""Where the rows lie after operations that combine tensors: products, recurrence, resizing."""

from dataclasses import replace

from onnx import numpy_helper

from service.loading.tracing.row_rules import (
    Call,
    Rule,
    along,
    by_element,
    concatenated,
    cumulative,
    elementwise,
    extremal,
    gathered,
    gathered_deep,
    kept,
    layer_normalised,
    normalised,
    of_images,
    one_hot,
    padded,
    reduced,
    refuse,
    sliced,
    squeezed,
    transposed,
    unsqueezed,
)
from service.loading.tracing.row_shapes import aligned, expanded, flattened, reshaped, tiled
from service.loading.tracing.row_values import ONE, Place, Role


def matrix_product(call: Call) -> Place:
    """MatMul: rows may be those of the left matrix, columns of the right, or many matrices."""
    left, right = call.values
    refuse(Role.COUNTED in (left.role, right.role), "depends on the number of rows")
    refuse(min(len(left.shape), len(right.shape)) < 2, "multiplies a vector")
    rank = max(len(left.shape), len(right.shape))
    refuse(left.role is Role.ROWS and left.from_end == -1, "sums over the rows")
    refuse(right.role is Role.ROWS and right.from_end == -2, "sums over the rows")
    if left.role is right.role:
        refuse(min(-left.from_end, -right.from_end) < 3, "multiplies rows by rows")
        return aligned(call.values)
    value, other = (left, right) if left.role is Role.ROWS else (right, left)
    if value.from_end < -2 and len(other.shape) >= -value.from_end:
        refuse(other.shape[value.from_end] != ONE, "treats rows by their place")
    return kept(value, rank + value.from_end)


def general_product(call: Call) -> Place:
    """Gemm: one matrix of rows, the other of weights."""
    left, added = call.inputs[0], call.input(2)
    refuse(left is None or left.role is not Role.ROWS, "multiplies by rows")
    others = [value for value in call.inputs[1:2] if value]
    refuse(any(value.role is not Role.FIXED for value in others), "multiplies by rows")
    rows = call.values[0]
    refuse(rows.axis != bool(call.attribute("transA", 0)), "sums over the rows")
    result = replace(rows, dims=(rows.length, ONE), axis=0)
    return aligned([result, added]) if added else kept(rows, 0)


def einsum(call: Call) -> Place:
    """Einsum, where all rows have one letter, which the result has too."""
    terms, _, result = call.attribute("equation", b"").decode().replace(" ", "").partition("->")
    refuse("." in terms or not result, "has an equation that isn't understood")
    letters = terms.split(",")
    rows = [(term, v) for term, v in zip(letters, call.values, strict=True) if v.role is Role.ROWS]
    term, first = rows[0]
    letter = term[first.axis]
    for term, value in zip(letters, call.values, strict=True):
        refuse(value.role is Role.COUNTED, "depends on the number of rows")
        refuse(term.count(letter) != (value.role is Role.ROWS), "multiplies rows by rows")
        if value.role is Role.ROWS:
            same = kept(value, 0) == kept(first, 0)
            refuse(term[value.axis] != letter or not same, "multiplies rows by rows")
    refuse(result.count(letter) != 1, "sums over the rows")
    return kept(first, result.index(letter))


def recurrent(call: Call) -> tuple[Place, ...]:
    """LSTM, GRU and RNN: rows on axis 1 of what goes in and of the states, 2 of what comes out."""
    refuse(bool(call.attribute("layout", 0)), "has its rows first")
    refuse(call.inputs[0] is None, "has no input")
    rows = kept(call.values[0], 0)
    for index, value in enumerate(call.inputs):
        if value is None:
            continue
        if index not in ROWS_OF_STATES:
            refuse(value.role is not Role.FIXED, "has weights that depend on the rows")
        else:
            is_apart = value.role is Role.ROWS and value.axis == ROWS_OF_STATES[index]
            refuse(not is_apart, "runs over the rows or treats them by their place")
            refuse(kept(value, 0) != rows, "combines rows with other rows")
    state = Place(1, rows.outer, rows.length)
    return Place(2, rows.outer, rows.length), state, state


def reversed_rows(call: Call) -> Place:
    """ReverseSequence along another axis than that of the rows."""
    value, lengths = call.values
    refuse(value.role is not Role.ROWS, "orders something by rows")
    refuse(value.axis == call.attribute("time_axis", 0), "reverses the rows")
    if value.axis == call.attribute("batch_axis", 1):
        same = lengths.role is Role.ROWS and kept(lengths, 0) == kept(value, 0)
        refuse(not same, "treats rows by their place")
    else:
        refuse(lengths.role is not Role.FIXED, "combines rows with other rows")
    return kept(value)


def resized(call: Call) -> Place:
    """Resize, by sizes or factors of which that of the rows is the same or 1."""
    value = call.only_first(counted=(2, 3))
    regions, scales, sizes = (call.input(index) for index in (1, 2, 3))
    told = call.attribute("axes", list(range(len(value.shape))))
    axes = [axis % len(value.shape) for axis in told]
    refuse(call.attribute("coordinate_transformation_mode", b"") == CROPPING, "crops")
    refuse(call.attribute("keep_aspect_ratio_policy", STRETCH) != STRETCH, "keeps proportions")
    refuse(regions is not None and regions.role is not Role.FIXED, "crops")
    if value.axis not in axes:
        refuse(scales is not None and scales.role is not Role.FIXED, "resizes by the rows")
        return kept(value)
    index = axes.index(value.axis)
    if sizes is not None:
        same = sizes.elements is not None and sizes.elements[index] == value.length
    elif scales is not None and scales.constant is not None:
        same = float(numpy_helper.to_array(scales.constant)[index]) == 1.0
    else:
        elements = scales.elements if scales else None
        same = elements is not None and elements[index] == ONE
    refuse(not same, "resizes the rows")
    return kept(value)


def triangular(call: Call) -> Place:
    """Trilu works on the last two axes."""
    value = call.only_first()
    refuse(value.from_end >= -2, "treats rows by their place")
    return kept(value)


def kept_apart(call: Call) -> Place:
    """Dropout, which does nothing when it isn't trained."""
    refuse(len(call.values) > 2, "draws at random")
    return kept(call.only_first())


ROWS_OF_STATES = {0: 1, 4: 0, 5: 1, 6: 1}  # by input: X, lengths, first states
CROPPING, STRETCH = b"tf_crop_and_resize", b"stretch"
ELEMENTWISE = """Abs Acos Acosh Add And Asin Asinh Atan Atanh BitShift Cast CastLike Ceil Celu Clip
Cos Cosh Div Elu Equal Erf Exp Floor Gelu Greater GreaterOrEqual HardSigmoid HardSwish Identity
IsInf IsNaN LeakyRelu Less LessOrEqual Log Max Mean Min Mish Mod Mul Neg Not Or PRelu Pow Reciprocal
Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Sub Sum Tan Tanh
ThresholdedRelu Where Xor"""
OF_IMAGES = """AveragePool Conv ConvTranspose DepthToSpace GlobalAveragePool GlobalMaxPool
GroupNormalization InstanceNormalization LRN LpPool MaxPool SpaceToDepth"""
REDUCTIONS = "L1 L2 LogSum LogSumExp Max Mean Min Prod Sum SumSquare"
RULES: dict[str, Rule] = {
    **dict.fromkeys(ELEMENTWISE.split(), elementwise),
    **dict.fromkeys(OF_IMAGES.split(), of_images),
    **dict.fromkeys((f"Reduce{name}" for name in REDUCTIONS.split()), reduced),
    **dict.fromkeys(("ArgMax", "ArgMin"), extremal),
    **dict.fromkeys(("Softmax", "LogSoftmax", "Hardmax", "LpNormalization", "TopK"), along(-1)),
    **dict.fromkeys(("LSTM", "GRU", "RNN"), recurrent),
    **dict.fromkeys(("GatherElements", "ScatterElements"), by_element),
    "Split": along(0),
    "BatchNormalization": normalised,
    "LayerNormalization": layer_normalised,
    "CumSum": cumulative,
    "Concat": concatenated,
    "Slice": sliced,
    "Gather": gathered,
    "GatherND": gathered_deep,
    "Transpose": transposed,
    "Squeeze": squeezed,
    "Unsqueeze": unsqueezed,
    "OneHot": one_hot,
    "Pad": padded,
    "MatMul": matrix_product,
    "Gemm": general_product,
    "Einsum": einsum,
    "ReverseSequence": reversed_rows,
    "Resize": resized,
    "Trilu": triangular,
    "Dropout": kept_apart,
    "Flatten": lambda call: flattened(call.only_first(), call.attribute("axis", 1)),
    "Reshape": lambda call: reshaped(
        call.only_first(counted=(1,)), call.input(1), bool(call.attribute("allowzero", 0))
    ),
    "Expand": lambda call: expanded(call.only_first(counted=(1,)), call.input(1)),
    "Tile": lambda call: tiled(call.only_first(counted=(1,)), call.input(1)),
}
