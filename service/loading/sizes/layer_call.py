"""One call of a layer as its configuration describes it, read with a fault for what can't be meant.

Whole numbers stay Python's own, so a product never wraps; what no tensor can have is a fault.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.base.strict_json import Json

Shape = tuple[int | None, ...]  # the batch axis comes first; None is a free axis

MAX_AXIS = 2**63 - 1
MAX_RANK = 32
CHANNELS = {"channels_first": True, "th": True, "channels_last": False, "tf": False}
SEQUENCES = ("__tuple__", "TensorShape", "tuple")


class UnknownShape(Exception):
    """No rule tells this shape, and nothing is said to be wrong."""


class LayerFault(Exception):
    """What no layer can have; the text says field, value and what was expected."""


@dataclass(frozen=True, slots=True)
class Sized:
    """What one call of a layer gives and needs; `inner` is its largest tensor inside."""

    outputs: tuple[Shape | None, ...]
    parameters: int | None = 0
    inner: int = 0
    calls: int = 1


@dataclass(frozen=True, slots=True)
class Call:
    """A layer's configuration and the shapes that it is called with.

    `named` are the tensors given by keyword, `options` the other keywords; `size` sizes a layer
    that is wrapped in this one.
    """

    kind: str
    config: Json
    inputs: tuple[Shape | None, ...]
    named: Mapping[str, tuple[Shape | None, ...]]
    options: Mapping[str, Any]
    size: Callable[[Any, Shape], Sized]

    @property
    def shape(self) -> Shape:
        """The shape of the only input, or of the first."""
        found = self.inputs or next(iter(self.named.values()), ())
        if not found or found[0] is None:
            raise UnknownShape(self.kind)
        return found[0]

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The shapes of all inputs, positional ones first."""
        found = [*self.inputs, *(shape for shapes in self.named.values() for shape in shapes)]
        known = tuple(shape for shape in found if shape is not None)
        if not known or len(known) < len(found):
            raise UnknownShape(self.kind)
        return known

    def ranked(self, rank: int) -> Shape:
        """The input's shape, of which the rank must be this."""
        if len(self.shape) != rank:
            raise LayerFault(f"input of shape {show(self.shape)}, expected {rank} axes")
        return self.shape

    def value(self, *names: str, default: Any = None) -> Any:
        """The first of these fields that is there and not null."""
        found = (self.config[name] for name in names if self.config.get(name) is not None)
        return next(found, default)

    def whole(self, *names: str, default: int | None = None, least: int = 1) -> int:
        """A whole number; without a default it must be there."""
        return whole(names[0], self.value(*names, default=default), least)

    def wholes(
        self, count: int, *names: str, default: int | None = None, least: int = 1
    ) -> tuple[int, ...]:
        """So many whole numbers, or one that stands for all of them."""
        value = items(self.value(*names, default=default))
        if not isinstance(value, list):
            return (whole(names[0], value, least),) * count
        if len(value) != count:
            raise LayerFault(f"{names[0]} = {show(value)}, expected {count} numbers")
        return tuple(whole(names[0], number, least) for number in value)

    def flag(self, *names: str, default: bool = True) -> bool:
        """True or false; 0 and 1 are taken as such."""
        return bool(self.value(*names, default=default))

    def word(self, names: Sequence[str], allowed: Sequence[str], default: str) -> str:
        """One of the allowed words."""
        value = self.value(*names, default=default)
        if not isinstance(value, str) or value.lower() not in allowed:
            raise LayerFault(f"{names[0]} = {show(value)}, expected one of {', '.join(allowed)}")
        return value.lower()

    def is_channels_first(self) -> bool:
        value = self.value("data_format", "dim_ordering", default="channels_last")
        return CHANNELS.get(value, False) if isinstance(value, str) else False

    def axes(self, rank: int, *names: str, default: int | None = -1) -> tuple[int, ...]:
        """One axis or several, counted from the front."""
        value = items(self.value(*names, default=default))
        numbers = value if isinstance(value, list) else [value]
        return tuple(axis(names[0], number, rank) for number in numbers)


def whole(name: str, value: Any, least: int = 1) -> int:
    """This value, a whole number of at least `least` that a tensor's axis can have."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        expected = "a positive whole number" if least == 1 else f"a whole number from {least} on"
        raise LayerFault(f"{name} = {show(value)}, expected {expected}")
    if value > MAX_AXIS:
        raise LayerFault(f"{name} = {show(value)}, which is more than a tensor can have")
    return value


def axis(name: str, value: Any, rank: int) -> int:
    """This axis of a shape with so many axes, counted from the front."""
    if isinstance(value, bool) or not isinstance(value, int) or not -rank <= value < rank:
        raise LayerFault(f"{name} = {show(value)}, expected an axis of {rank}")
    return value % rank


def known(shape: Shape, index: int) -> int:
    """The size of an axis that weights depend on, so that it can't be left free."""
    size = shape[index] if -len(shape) <= index < len(shape) else None
    if size is None:
        raise LayerFault(f"input of shape {show(shape)}, of which axis {index} must be known")
    return size


def checked(shape: Sequence[int | None]) -> Shape:
    """A shape that a tensor can have."""
    if len(shape) > MAX_RANK:
        raise LayerFault(f"gives {len(shape)} axes, more than a tensor can have")
    for size in shape[1:]:
        if size is not None and not 0 < size <= MAX_AXIS:
            raise LayerFault(f"gives the shape {show(tuple(shape))}, which no tensor can have")
    return tuple(shape)


def read_shape(value: Any) -> Shape:
    """A shape as a configuration writes it: whole numbers, null for free axes."""
    sizes = items(value)
    if not isinstance(sizes, list):
        raise LayerFault(f"shape = {show(value)}, expected a list")
    for size in sizes:
        if size is not None:
            whole("shape", size)
    return checked(sizes)


def items(value: Any) -> Any:
    """The list in what may be a tuple written as an object."""
    if isinstance(value, dict) and value.get("class_name") in SEQUENCES:
        return value.get("items")
    return list(value) if isinstance(value, tuple) else value


def count(shape: Shape | None) -> int:
    """Elements for one instance; a free axis counts as one."""
    return math.prod(size or 1 for size in (shape or ())[1:])


def broadcast(first: Shape, second: Shape) -> Shape:
    """The shape of an element-wise operation on two tensors."""
    rank = max(len(first), len(second))
    longer = [(1,) * (rank - len(shape)) + shape for shape in (first, second)]
    sizes = []
    for a, b in zip(*longer, strict=True):
        if a != b and a is not None and b is not None and 1 not in (a, b):
            raise LayerFault(f"inputs of shapes {show(first)} and {show(second)} don't fit")
        sizes.append(b if a == 1 else a if b == 1 or b is None else b)
    return tuple(sizes)


def meet(declared: Shape | None, given: Shape | None) -> Shape | None:
    """What an input is when it is declared so and given so."""
    if declared is None or given is None:
        return given if declared is None else declared
    if len(declared) != len(given):
        longer, shorter = sorted((declared, given), key=len, reverse=True)
        if len(longer) == len(shorter) + 1 and longer[-1] == 1:
            return declared  # Keras itself adds or drops such an axis
        raise LayerFault(f"input of shape {show(given)}, expected {show(declared)}")
    for at, (a, b) in enumerate(zip(declared, given, strict=True)):
        if at and a is not None and b is not None and a != b:
            raise LayerFault(f"input of shape {show(given)}, expected {show(declared)}")
    return tuple(a if b is None else b for a, b in zip(declared, given, strict=True))


def quote(name: str) -> str:
    """A stranger's name for a message; of a long path the end says more."""
    return repr(name[-80:])


def show(value: Any) -> str:
    """A stranger's value for a message: short, whatever it is."""
    if isinstance(value, int) and abs(value) > MAX_AXIS:
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, str):
        return repr(value[:40])
    if isinstance(value, list | tuple):
        if len(value) > 8 or any(isinstance(v, list | tuple | dict) for v in value):
            return f"a list of {len(value)} values"
        inside = ", ".join(show(item) for item in value)
        return f"({inside})" if isinstance(value, tuple) else f"[{inside}]"
    return "an object" if isinstance(value, dict) else repr(value)[:40]
