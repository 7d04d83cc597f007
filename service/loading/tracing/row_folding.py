"""Computing with lengths: what shape operations give, with the number of rows as a symbol."""

from collections.abc import Callable, Mapping
from typing import Any

from service.loading.tracing.row_values import Dims, Elements, Size, Value, product

MAX_ELEMENTS = 64
ZERO = Size(0)
WIDE = {1, 6, 7, 11, 12, 13}  # types of ONNX' TensorProto that hold any length
Attributes = Mapping[str, Any]
Pair = Callable[[Size, Size], Size | None]


def fold(operation: str, attributes: Attributes, inputs: list[Value | None]) -> Elements | None:
    """The elements of the output, None if these can't be told."""
    values = [value for value in inputs if value is not None]
    if operation == "Slice" and len(values) != len(inputs):
        return None
    if operation == "Cast" and attributes.get("to") not in WIDE:
        return None
    if operation in SAME and values and values[0].elements is not None:
        return values[0].elements
    if not values or any(value.elements is None for value in values):
        return None
    if operation in PAIRS and len(values) == 2:
        return _each(PAIRS[operation], *values)
    return OTHERS[operation](attributes, values) if operation in OTHERS else None


def shape_of(attributes: Attributes, dims: Dims) -> Elements:
    """What Shape gives."""
    return dims[attributes.get("start", 0) : attributes.get("end", len(dims))]


def _each(pair: Pair, left: Value, right: Value) -> Elements | None:
    a, b = left.elements or (), right.elements or ()
    if len(a) != len(b) and 1 not in (len(a), len(b)):
        return None
    if len(left.dims or ()) > 1 or len(right.dims or ()) > 1:
        return None
    count = max(len(a), len(b))
    a, b = (each * count if len(each) == 1 else each for each in (a, b))
    return tuple(
        pair(x, y) if x is not None and y is not None else None for x, y in zip(a, b, strict=True)
    )


def _added(a: Size, b: Size) -> Size | None:
    if a == ZERO:
        return b
    if b == ZERO:
        return a
    return Size(a.factor + b.factor, a.symbols) if a.symbols == b.symbols else None


def _compared(a: Size, b: Size) -> Size | None:
    """Whether they are equal; lengths are never negative."""
    if a == b:
        return Size(1)
    x, y = a.number, b.number
    if x is not None and y is not None:
        return ZERO
    symbolic, number = (a, y) if x is None else (b, x)
    return ZERO if number is not None and number < 0 < symbolic.factor else None


def _largest(a: Size, b: Size) -> Size | None:
    return _ordered(a, b, max)


def _smallest(a: Size, b: Size) -> Size | None:
    return _ordered(a, b, min)


def _ordered(a: Size, b: Size, choose: Callable[[int, int], int]) -> Size | None:
    if a == b:
        return a
    x, y = a.number, b.number
    return None if x is None or y is None else Size(choose(x, y))


def _gather(attributes: Attributes, values: list[Value]) -> Elements | None:
    data, index = values[0], values[1]
    if len(data.dims or ()) != 1 or any(
        i is None or i.number is None for i in index.elements or ()
    ):
        return None
    elements = data.elements or ()
    numbers = index.numbers()
    if any(not -len(elements) <= number < len(elements) for number in numbers):
        return None
    return tuple(elements[number] for number in numbers)


def _slice(attributes: Attributes, values: list[Value]) -> Elements | None:
    data, *rest = values
    told = [each.elements or () for each in rest]
    if len(data.dims or ()) != 1 or any(
        len(each) != 1 or each[0] is None or each[0].number is None for each in told
    ):
        return None
    start, end = rest[0].numbers()[0], rest[1].numbers()[0]
    step = rest[3].numbers()[0] if len(rest) > 3 else 1
    return (data.elements or ())[start:end:step] if step > 0 else None


def _concat(attributes: Attributes, values: list[Value]) -> Elements | None:
    if any(len(value.dims or ()) != 1 for value in values):
        return None
    joined = tuple(element for value in values for element in value.elements or ())
    return joined if len(joined) <= MAX_ELEMENTS else None


def _where(attributes: Attributes, values: list[Value]) -> Elements | None:
    condition, yes, no = (value.elements or () for value in values)
    if not len(condition) == len(yes) == len(no):
        return None
    return tuple(
        None if c is None or c.number is None else (y if c.number else n)
        for c, y, n in zip(condition, yes, no, strict=True)
    )


def _product(attributes: Attributes, values: list[Value]) -> Elements | None:
    elements = values[0].elements or ()
    if len(values[0].dims or ()) != 1 or None in elements:
        return None
    return (product(element for element in elements if element is not None),)


SAME = {"Identity", "Cast", "Squeeze", "Unsqueeze", "Reshape"}
PAIRS: dict[str, Pair] = {
    "Add": _added,
    "Sub": lambda a, b: ZERO if a == b else _added(a, Size(-b.factor, b.symbols)),
    "Mul": lambda a, b: a * b,
    "Div": lambda a, b: a.over(b),
    "Equal": _compared,
    "Max": _largest,
    "Min": _smallest,
}
OTHERS: dict[str, Callable[[Attributes, list[Value]], Elements | None]] = {
    "Gather": _gather,
    "Slice": _slice,
    "Concat": _concat,
    "Where": _where,
    "ReduceProd": _product,
}
