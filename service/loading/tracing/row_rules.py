"""Where the rows lie after an operation, one rule for each; what has no rule may mix them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from service.loading.tracing.row_shapes import aligned
from service.loading.tracing.row_values import Mixes, Place, Role, Value, depends_on_count

FULL_SLICE = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Call:
    """One operation with what is known of its inputs, of which at least one has rows."""

    operation: str
    attributes: Mapping[str, Any]
    inputs: tuple[Value | None, ...]
    outputs: int = 1

    def input(self, index: int) -> Value | None:
        """An input, None if it is left out."""
        return self.inputs[index] if index < len(self.inputs) else None

    @property
    def values(self) -> list[Value]:
        """The inputs that aren't left out."""
        return [value for value in self.inputs if value is not None]

    def attribute(self, name: str, default: Any) -> Any:
        """An attribute, or the default of ONNX."""
        return self.attributes.get(name, default)

    def only_first(self, counted: tuple[int, ...] = ()) -> Value:
        """The first input, which must be the only one with rows. Raises Mixes."""
        for index, value in enumerate(self.inputs[1:], 1):
            if value is not None and value.role is Role.COUNTED and index not in counted:
                raise Mixes("depends on the number of rows")
            if value is not None and value.role is Role.ROWS:
                raise Mixes("combines rows in a way that isn't known")
        first = self.inputs[0]
        if first is None or first.role is not Role.ROWS:
            raise Mixes("takes rows where none are expected")
        return first


Rule = Callable[[Call], Place | tuple[Place, ...]]


def kept(value: Value, axis: int | None = None) -> Place:
    """The rows of a value, possibly on another axis."""
    return Place(value.axis if axis is None else axis, value.outer, value.length)


def refuse(condition: bool, why: str) -> None:
    """Raise Mixes if the condition holds."""
    if condition:
        raise Mixes(why)


def elementwise(call: Call) -> Place:
    """Operations on each element, with broadcasting."""
    return aligned(call.values)


def of_images(call: Call) -> Place:
    """Convolution, pooling and the like: the first axis is looped over."""
    value = call.only_first()
    refuse(value.axis != 0, "doesn't run along its rows")
    refuse(call.outputs > 1, "numbers its places through all rows")
    return kept(value)


def normalised(call: Call) -> Place:
    """BatchNormalization with means and variances that were learned."""
    value = call.only_first()
    refuse(bool(call.attribute("training_mode", 0)), "normalises over the rows")
    refuse(value.axis == 1, "has its rows for channels")
    return kept(value)


def layer_normalised(call: Call) -> Place:
    """LayerNormalization runs over all axes from one on."""
    value = call.only_first()
    place = aligned(call.values)
    first = call.attribute("axis", -1) % len(value.shape)
    refuse(value.axis >= first, "runs over the rows")
    return place


def along(default: int) -> Rule:
    """Operations that run along one axis, which keeps its place: Softmax, Split."""

    def rule(call: Call) -> Place:
        value = call.only_first()
        axis = call.attribute("axis", default) % len(value.shape)
        refuse(value.axis == axis, "runs over the rows")
        return kept(value)

    return rule


def cumulative(call: Call) -> Place:
    """CumSum, whose axis is an input."""
    value, axis = call.only_first(), call.inputs[1]
    told = axis.numbers() if axis else []
    refuse(value.axis in [each % len(value.shape) for each in told], "runs over the rows")
    return kept(value)


def reduced(call: Call) -> Place:
    """ReduceMean and its kin, axes as an input or an attribute."""
    value, told = call.only_first(), call.input(1)
    axes = told.numbers() if told else call.attribute("axes", [])
    if not axes:
        refuse(not call.attribute("noop_with_empty_axes", 0), "runs over the rows")
        return kept(value)
    return _without(call, value, axes)


def extremal(call: Call) -> Place:
    """ArgMax and ArgMin."""
    return _without(call, call.only_first(), [call.attribute("axis", 0)])


def _without(call: Call, value: Value, axes: list[int]) -> Place:
    dropped = {axis % len(value.shape) for axis in axes}
    refuse(value.axis in dropped, "runs over the rows")
    if call.attribute("keepdims", 1):
        return kept(value)
    return kept(value, value.axis - sum(axis < value.axis for axis in dropped))


def concatenated(call: Call) -> Place:
    """Rows beside rows, never behind one another."""
    first = call.values[0]
    axis = call.attribute("axis", 0) % len(first.shape)
    for value in call.values:
        refuse(value.role is not Role.ROWS, "puts rows and what has none together")
        refuse(value.axis == axis, "puts rows behind one another")
        refuse(kept(value) != kept(first), "puts rows together that lie differently")
    return kept(first)


def sliced(call: Call) -> Place:
    """A slice that leaves the axis of the rows whole."""
    value = call.only_first(counted=(1, 2))
    starts, ends, axes, steps = (call.input(index) for index in (1, 2, 3, 4))
    refuse(starts is None or ends is None, "has no bounds")
    count = len(value.shape)
    told = axes.numbers() if axes else list(range(count))
    for index, axis in enumerate(told):
        bounds = [
            each.elements[index] if each and each.elements is not None else None
            for each in (starts, ends)
        ]
        if axis % count == value.axis:
            start, end = bounds
            is_end = end is not None and (
                end == value.length or (end.number is not None and end.number >= FULL_SLICE)
            )
            is_plain = steps is None or steps.numbers()[index] == 1
            is_whole = start is not None and start.number == 0 and is_end and is_plain
            refuse(not is_whole, "takes some of the rows")
        for bound, each in zip((starts, ends), bounds, strict=True):
            is_counted = bound is not None and bound.role is Role.COUNTED
            is_open = axis % count != value.axis and is_counted and depends_on_count((each,))
            refuse(is_open, "depends on the number of rows")
    return kept(value)


def gathered(call: Call) -> Place:
    """Gather: out of each row, or out of a table by each row's indices."""
    data, index = call.values
    axis = call.attribute("axis", 0) % len(data.shape)
    if data.role is Role.FIXED and index.role is Role.ROWS:
        return kept(index, axis + index.axis)
    data = call.only_first()
    refuse(data.axis == axis, "takes some of the rows")
    return kept(data, data.axis + (len(index.shape) - 1 if axis < data.axis else 0))


def gathered_deep(call: Call) -> Place:
    """GatherND: out of a table by each row's indices, or row by row."""
    data, index = call.values
    shared = call.attribute("batch_dims", 0)
    if data.role is Role.FIXED and index.role is Role.ROWS:
        refuse(shared > 0 or index.axis == len(index.shape) - 1, "looks up by several rows")
        return kept(index)
    refuse(data.role is not index.role, "takes some of the rows")
    refuse(kept(data) != kept(index) or data.axis >= shared, "takes some of the rows")
    return kept(data)


def by_element(call: Call) -> Place:
    """GatherElements and ScatterElements, with the indices of each row in that row."""
    first = call.values[0]
    axis = call.attribute("axis", 0) % len(first.shape)
    for value in call.values:
        refuse(value.role is not Role.ROWS or kept(value) != kept(first), "takes some of the rows")
    refuse(first.axis == axis, "takes some of the rows")
    return kept(first)


def transposed(call: Call) -> Place:
    """The rows go where their axis goes."""
    value = call.only_first()
    order = call.attribute("perm", list(reversed(range(len(value.shape)))))
    return kept(value, order.index(value.axis))


def squeezed(call: Call) -> Place:
    """Without axes it would drop that of a single row."""
    value, told = call.only_first(), call.input(1)
    axes = told.numbers() if told else call.attribute("axes", [])
    dropped = {axis % len(value.shape) for axis in axes}
    refuse(not dropped or value.axis in dropped, "drops the axis of the rows")
    return kept(value, value.axis - sum(axis < value.axis for axis in dropped))


def unsqueezed(call: Call) -> Place:
    """New axes may come before that of the rows."""
    value, told = call.only_first(), call.input(1)
    axes = told.numbers() if told else call.attribute("axes", [])
    count = len(value.shape) + len(axes)
    new = {axis % count for axis in axes}
    return kept(value, [axis for axis in range(count) if axis not in new][value.axis])


def one_hot(call: Call) -> Place:
    """A new axis, the last one unless said otherwise."""
    value = call.only_first()
    axis = call.attribute("axis", -1) % (len(value.shape) + 1)
    return kept(value, value.axis + (axis <= value.axis))


def padded(call: Call) -> Place:
    """Nothing may be put around the rows."""
    value, pads, told = call.only_first(), call.input(1), call.input(3)
    count = len(value.shape)
    axes = [axis % count for axis in told.numbers()] if told else list(range(count))
    elements = pads.elements if pads and pads.elements is not None else ()
    refuse(len(elements) != 2 * len(axes), "pads by a computed width")
    around = [elements[i] for i in range(len(elements)) if axes[i % len(axes)] == value.axis]
    refuse(any(each is None or each.number != 0 for each in around), "pads the rows")
    return kept(value)
