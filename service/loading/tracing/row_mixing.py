"""Whether a graph may let one row's values reach another's answer: followed through every node.

Each tensor is followed from the inputs, whose rows lie on the first axis. The answer is cautious:
what isn't understood may mix.
"""

from collections.abc import Iterator
from dataclasses import replace
from math import prod
from typing import Any

from onnx import helper, numpy_helper

from service.loading.tracing.row_folding import MAX_ELEMENTS, fold, shape_of
from service.loading.tracing.row_inference import INTEGERS, MAX_INVENTED, infer, invented
from service.loading.tracing.row_products import RULES
from service.loading.tracing.row_rules import Call
from service.loading.tracing.row_shapes import spread
from service.loading.tracing.row_values import (
    ONE,
    ROWS,
    Elements,
    Mixes,
    Place,
    Role,
    Size,
    Value,
    depends_on_count,
    product,
)

BOOL, INT64 = 9, 7
OLDEST_OPSET = 13  # before, Softmax meant another thing
MAX_ROUNDS = 8
MAX_STEPS = 200_000  # loops in loops are followed several times each
STANDARD = {"", "ai.onnx"}
SPREADING = {"ConstantOfShape", "Expand", "Tile"}
UNUSED = Value(Role.MIXED, why="it has no name")
Scope = dict[str, Value]


def find_mixing(model: Any) -> str:
    """Where rows may mix in an ONNX model, in words; empty if each provably keeps to itself."""
    opsets = {opset.domain: opset.version for opset in model.opset_import}
    opset = next((opsets[domain] for domain in STANDARD if domain in opsets), 0)
    if opset < OLDEST_OPSET:
        return f"its operations are those of opset {opset}"
    scope = dict(_inputs(model.graph))
    _Follower(opset).follow(model.graph, scope)
    for output in model.graph.output:
        value = scope.get(output.name, Value(Role.MIXED, why="it comes from nowhere"))
        if value.role is Role.MIXED:
            return value.why
        is_apart = value.role is Role.ROWS and (value.axis, value.length) == (0, ROWS)
        if not is_apart or value.outer != ONE:
            return f"output '{output.name}' has no axis for the rows"
    return ""


def _inputs(graph: Any) -> Iterator[tuple[str, Value]]:
    for value in graph.input:
        tensor = value.type.tensor_type
        dims = [
            Size(dim.dim_value) if dim.HasField("dim_value") else invented(value.name, index)
            for index, dim in enumerate(tensor.shape.dim)
        ]
        if not dims or dims[0].number is not None:
            why = f"input '{value.name}' has no free axis for the rows"
            yield value.name, Value(Role.MIXED, why=why)
        else:
            yield value.name, Value(Role.ROWS, tensor.elem_type, (ROWS, *dims[1:]))


class _Follower:
    """Fills a scope, which maps names to what is known of them."""

    def __init__(self, opset: int) -> None:
        self._opset = opset
        self._steps = 0

    def follow(self, graph: Any, scope: Scope) -> None:
        """Evaluate all nodes; inner graphs see the names around them."""
        scope.update({tensor.name: constant(tensor) for tensor in graph.initializer})
        for node in graph.node:
            self._steps += 1
            try:
                values = self._evaluate(node, scope)
            except Mixes as mixes:
                values = _mixed(node, str(mixes))
            except (ValueError, TypeError, LookupError):  # no graph that ONNX' rules allow
                values = _mixed(node, "isn't understood")
            scope.update(zip(node.output, values, strict=True))

    def _evaluate(self, node: Any, scope: Scope) -> list[Value]:
        inputs = [_look_up(scope, name) if name else None for name in node.input]
        for value in inputs:
            if value is not None and value.role is Role.MIXED:
                return [value] * len(node.output)
        if self._steps > MAX_STEPS:
            raise Mixes("comes after too many steps")
        if node.domain not in STANDARD or node.op_type.startswith("Random"):
            raise Mixes("isn't known")
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == "Loop":
            return self._loop(node, attributes["body"], inputs, scope)
        if node.op_type == "If":
            branches = [attributes["then_branch"], attributes["else_branch"]]
            return self._branch(node, branches, inputs, scope)
        call = Call(node.op_type, attributes, tuple(inputs), len(node.output))
        if node.op_type in ("Shape", "Size"):
            return [_counted(call)]
        if any(value is not None and value.role is Role.ROWS for value in inputs):
            return self._with_rows(node, call)
        return self._without_rows(node, call)

    def _with_rows(self, node: Any, call: Call) -> list[Value]:
        if call.operation not in RULES:
            raise Mixes("isn't known to keep rows apart")
        places = RULES[call.operation](call)
        if isinstance(places, Place):
            places = (places,) * len(node.output)
        shapes = infer(node, call.inputs, self._opset)
        return [
            _placed(place, shape) if name else UNUSED
            for name, place, shape in zip(node.output, places, shapes, strict=False)
        ]

    def _without_rows(self, node: Any, call: Call) -> list[Value]:
        if node.op_type == "Constant" and "value" in call.attributes:
            return [constant(call.attributes["value"])]
        shapes = infer(node, call.inputs, self._opset)
        if node.op_type in SPREADING:
            told = call.inputs[-1]
            value = call.inputs[0] if node.op_type != "ConstantOfShape" else None
            is_fixed = value is None or value.role is Role.FIXED
            place = spread(node.op_type, value, told) if told and is_fixed else None
            if place is not None:
                return [_placed(place, (shapes[0][0], None))]
        elements = fold(node.op_type, call.attributes, list(call.inputs))
        is_counted = any(value.role is Role.COUNTED for value in call.values)
        if elements is not None and len(node.output) == 1:
            is_counted = is_counted and depends_on_count(elements)
        role = Role.COUNTED if is_counted else Role.FIXED
        return [
            _computed(name, Value(role, dtype, dims), elements)
            for name, (dtype, dims) in zip(node.output, shapes, strict=True)
        ]

    def _loop(self, node: Any, body: Any, inputs: list[Value | None], scope: Scope) -> list[Value]:
        """Run the body in thought until what is carried round no longer changes."""
        if any(value is not None and value.role is not Role.FIXED for value in inputs[:2]):
            raise Mixes("has as many turns as the rows say")
        carried = [value or Value(Role.FIXED) for value in inputs[2:]]
        names = [value.name for value in body.input]
        for _ in range(MAX_ROUNDS):
            inner = dict(scope)
            turn = Value(Role.FIXED, INT64, (), elements=(invented(names[0], 0),))
            inner.update(zip(names, [turn, Value(Role.FIXED, BOOL, ()), *carried], strict=True))
            self.follow(body, inner)
            goes_on, *results = [_look_up(inner, value.name) for value in body.output]
            if goes_on.role is not Role.FIXED:
                raise Mixes("has as many turns as the rows say")
            count = len(carried)
            states = [_joined(*both) for both in zip(carried, results, names[2:], strict=False)]
            if states == carried:
                stacked = zip(results[count:], node.output[count:], strict=True)
                return [*states, *(_stacked(value, name) for value, name in stacked)]
            carried = states
        raise Mixes("carries something round that isn't understood")

    def _branch(
        self, node: Any, branches: list[Any], inputs: list[Value | None], scope: Scope
    ) -> list[Value]:
        if any(value is None or value.role is not Role.FIXED for value in inputs):
            raise Mixes("chooses for all rows by some")
        ends: list[list[Value]] = []
        for graph in branches:
            inner = dict(scope)
            self.follow(graph, inner)
            ends.append([_look_up(inner, value.name) for value in graph.output])
        return [_joined(*both) for both in zip(*ends, node.output, strict=True)]


def constant(tensor: Any) -> Value:
    """What is known of a constant: all, if it is small."""
    dims = tuple(Size(length) for length in tensor.dims)
    if prod(tensor.dims) > MAX_ELEMENTS:
        return Value(Role.FIXED, tensor.data_type, dims)
    elements: Elements | None = None
    if tensor.data_type in INTEGERS or tensor.data_type == BOOL:
        elements = tuple(Size(int(each)) for each in numpy_helper.to_array(tensor).flat)
    return Value(Role.FIXED, tensor.data_type, dims, elements=elements, constant=tensor)


def _mixed(node: Any, why: str) -> list[Value]:
    where = node.name or node.output[0]
    return [Value(Role.MIXED, why=f"{node.op_type} '{where}' {why}")] * len(node.output)


def _look_up(scope: Scope, name: str) -> Value:
    return scope.get(name) or Value(Role.MIXED, why=f"'{name}' comes from nowhere")


def _counted(call: Call) -> Value:
    """Shape and Size."""
    value = call.values[0]
    if value.dims is None:
        raise Mixes("is taken of an unknown shape")
    dims = value.dims
    is_shape = call.operation == "Shape"
    elements = shape_of(call.attributes, dims) if is_shape else (product(dims),)
    role = Role.COUNTED if depends_on_count(elements) else Role.FIXED
    return Value(role, INT64, (Size(len(elements)),) if is_shape else (), elements=elements)


def _computed(name: str, value: Value, elements: Elements | None) -> Value:
    """A value with its elements; small whole numbers that are fixed but unknown get symbols."""
    count = product(value.dims).number if value.dims is not None else None
    if count is None or count > MAX_INVENTED:
        return value
    if elements is not None and len(elements) == count:
        known = elements
    elif value.role is Role.FIXED and value.dtype in INTEGERS:
        known = (None,) * count
    else:
        return value
    if value.role is Role.FIXED:
        known = tuple(each or invented(name, index) for index, each in enumerate(known))
    return replace(value, elements=known)


def _placed(place: Place, shape: tuple[int, Any]) -> Value:
    """The value of an output. Raises Mixes if another axis depends on the number of rows."""
    dtype, inferred = shape
    dims = place.dims or inferred
    if dims is None:
        raise Mixes("has an unknown shape")
    if place.axis >= len(dims) or dims[place.axis].number is not None:
        raise Mixes("gives its result no axis for the rows")
    dims = (*dims[: place.axis], place.length, *dims[place.axis + 1 :])
    if any(size.counts_rows for i, size in enumerate(dims) if i != place.axis):
        raise Mixes("has two axes as long as the rows")
    if place.length.symbols.count(ROWS.symbols[0]) != 1:
        raise Mixes("has more results than rows")
    return Value(Role.ROWS, dtype, dims, place.axis, place.outer)


def _joined(first: Value, second: Value, name: str) -> Value:
    """What holds for both of two values that a name may stand for."""
    if Role.MIXED in (first.role, second.role) or first == second:
        return first if first.role is Role.MIXED else second
    if first.role is not second.role and Role.ROWS in (first.role, second.role):
        raise Mixes("carries both rows and what has none")
    if first.dims is None or second.dims is None or len(first.dims) != len(second.dims):
        if first.role is Role.ROWS:
            raise Mixes("carries rows of several shapes")
        role = first.role if first.role is second.role else Role.COUNTED
        return Value(role, first.dtype)
    if first.role is Role.ROWS:
        places = [(value.axis, value.outer, value.length) for value in (first, second)]
        if places[0] != places[1]:
            raise Mixes("carries rows that lie differently")
    dims = tuple(
        a if a == b else invented(name, index)
        for index, (a, b) in enumerate(zip(first.dims, second.dims, strict=True))
    )
    if first.role is Role.ROWS:
        return Value(Role.ROWS, first.dtype, dims, first.axis, first.outer)
    role = first.role if first.role is second.role else Role.COUNTED
    return _computed(f"{name}.", Value(role, first.dtype, dims), None)


def _stacked(value: Value, name: str) -> Value:
    """What a loop gathers of one value a turn: a new axis before the others."""
    if value.role is Role.MIXED or value.dims is None:
        return value
    dims = (invented(name, 0), *value.dims)
    if value.role is Role.ROWS:
        return replace(value, dims=dims, axis=value.axis + 1)
    return Value(value.role, value.dtype, dims)
