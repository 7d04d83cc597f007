"""Rows through broadcasting and through changes of shape: regrouped, expanded, tiled."""

from collections.abc import Sequence

from service.loading.tracing.row_values import (
    COUNT,
    ONE,
    ROWS,
    Dims,
    Elements,
    Mixes,
    Place,
    Role,
    Size,
    Value,
    product,
)


def aligned(values: Sequence[Value]) -> Place:
    """The rows of what is broadcast together; all must lie on the same axis from the end."""
    if any(value.role is Role.COUNTED for value in values):
        raise Mixes("depends on the number of rows")
    first = next(value for value in values if value.role is Role.ROWS)
    for value in values:
        if value.role is Role.ROWS:
            same = (value.from_end, value.outer, value.length)
            if same != (first.from_end, first.outer, first.length):
                raise Mixes("combines rows with other rows")
        elif len(value.shape) >= -first.from_end and value.shape[first.from_end] != ONE:
            raise Mixes("treats rows by their place")
    rank = max(len(value.shape) for value in values)
    return Place(rank + first.from_end, first.outer, first.length)


def reshaped(value: Value, told: Value | None, is_zero_allowed: bool) -> Place:
    """The rows after Reshape, whose second input tells the new shape."""
    dims: list[Size] = []
    unknown = None
    for index, size in enumerate(_told(told)):
        if size.number == -1:
            unknown, size = index, ONE
        elif size.number == 0 and not is_zero_allowed:
            size = value.shape[index]
        dims.append(size)
    if unknown is not None:
        rest = product(value.shape).over(product(dims))
        if rest is None:
            raise Mixes("is given a shape that rows need not fit")
        dims[unknown] = rest
    return regrouped(value, tuple(dims))


def flattened(value: Value, axis: int) -> Place:
    """The rows after Flatten."""
    dims = value.shape
    axis = axis + len(dims) if axis < 0 else axis
    return regrouped(value, (product(dims[:axis]), product(dims[axis:])))


def regrouped(value: Value, dims: Dims) -> Place:
    """The rows of the same elements in another shape, if one axis still holds them apart."""
    holders = [index for index, size in enumerate(dims) if size.counts_rows]
    if len(holders) != 1:
        raise Mixes("gives its result no axis for the rows")
    (axis,) = holders
    outer = (product(value.shape[: value.axis]) * value.outer).over(product(dims[:axis]))
    inner = None if outer is None else dims[axis].over(outer * ROWS)
    if outer is None or inner is None:
        raise Mixes("divides the elements otherwise than by rows")
    return Place(axis, outer, dims[axis], dims)


def expanded(value: Value, told: Value | None) -> Place:
    """The rows after Expand."""
    sizes = _told(told)
    rank = max(len(sizes), len(value.shape))
    old = (ONE,) * (rank - len(value.shape)) + value.shape
    new = (ONE,) * (rank - len(sizes)) + sizes
    axis = rank + value.from_end
    if new[axis] not in (ONE, value.length):
        raise Mixes("gives the rows another number")
    dims = tuple(b if a == ONE else a for a, b in zip(old, new, strict=True))
    return Place(axis, value.outer, value.length, dims)


def tiled(value: Value, told: Value | None) -> Place:
    """The rows after Tile."""
    repeats = _told(told)
    if len(repeats) != len(value.shape) or repeats[value.axis] != ONE:
        raise Mixes("repeats the rows")
    dims = tuple(a * b for a, b in zip(value.shape, repeats, strict=True))
    return Place(value.axis, value.outer, value.length, dims)


def spread(operation: str, value: Value | None, told: Value) -> Place | None:
    """The rows that come of repeating what has none as often as there are rows; None if it isn't.

    All of these are alike: the first state of an LSTM, say.
    """
    sizes = told.elements
    if sizes is None or None in sizes or not any(s.counts_rows for s in sizes if s is not None):
        return None
    dims = tuple(size for size in sizes if size is not None)
    if value is not None:
        rank = max(len(dims), len(value.shape))
        old = (ONE,) * (rank - len(value.shape)) + value.shape
        new = (ONE,) * (rank - len(dims)) + dims
        if operation == "Tile":
            dims = tuple(a * b for a, b in zip(old, new, strict=True))
        elif any(b.counts_rows and a != ONE for a, b in zip(old, new, strict=True)):
            return None
        else:
            dims = tuple(b if a == ONE else a for a, b in zip(old, new, strict=True))
    holders = [axis for axis, size in enumerate(dims) if size.symbols.count(COUNT) == 1]
    return Place(holders[0], ONE, dims[holders[0]], dims) if len(holders) == 1 else None


def _told(value: Value | None) -> tuple[Size, ...]:
    elements: Elements | None = value.elements if value else None
    if elements is None or None in elements:
        raise Mixes("is given a computed shape")
    return tuple(size for size in elements if size is not None)
