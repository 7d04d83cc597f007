"""What is known of a tensor while it is followed through a graph: where its rows lie, how long.

Lengths are products such as `2*N*T`, where N is the number of rows and other symbols stand for
lengths that don't depend on it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

COUNT = "N"


class Mixes(Exception):
    """It can't be ruled out that one row's values reach another's; the text says where."""


@dataclass(frozen=True, slots=True)
class Size:
    """A whole number times symbols, which are sorted."""

    factor: int = 1
    symbols: tuple[str, ...] = ()

    def __mul__(self, other: "Size") -> "Size":
        return Size(self.factor * other.factor, tuple(sorted(self.symbols + other.symbols)))

    def __str__(self) -> str:
        return "*".join([str(self.factor), *self.symbols])

    def over(self, other: "Size") -> "Size | None":
        """The quotient, where it is a whole one whatever the symbols stand for."""
        left = list(self.symbols)
        for symbol in other.symbols:
            if symbol not in left:
                return None
            left.remove(symbol)
        if other.factor == 0 or self.factor % other.factor:
            return None
        return Size(self.factor // other.factor, tuple(left))

    @property
    def number(self) -> int | None:
        """The number that it is, if it has no symbols."""
        return None if self.symbols and self.factor else self.factor

    @property
    def counts_rows(self) -> bool:
        """True when it depends on how many rows there are."""
        return COUNT in self.symbols


ONE = Size()
ROWS = Size(1, (COUNT,))
Dims = tuple[Size, ...]
Elements = tuple[Size | None, ...]


class Role(Enum):
    """FIXED depends on no row, COUNTED on their number alone; of ROWS each is its own row's."""

    FIXED = "fixed"
    COUNTED = "counted"
    ROWS = "rows"
    MIXED = "mixed"


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor. `axis` is where the rows lie, `outer` how often all of them follow there.

    So the place of row n on that axis is (o * N + n) * inner + i. `elements` are those of small
    tensors of whole numbers, row by row; None among them is one that depends on N somehow.
    """

    role: Role
    dtype: int = 1
    dims: Dims | None = None
    axis: int = 0
    outer: Size = ONE
    elements: Elements | None = None
    constant: Any = None
    why: str = ""

    @property
    def shape(self) -> Dims:
        """The lengths of all axes. Raises Mixes where not even their number is known."""
        if self.dims is None:
            raise Mixes("has an unknown shape")
        return self.dims

    @property
    def length(self) -> Size:
        """How long the axis of the rows is."""
        return self.shape[self.axis]

    @property
    def from_end(self) -> int:
        """The axis of the rows counted from the end, as broadcasting does."""
        return self.axis - len(self.shape)

    def numbers(self) -> list[int]:
        """Its elements, all of which must be plain numbers. Raises Mixes."""
        numbers = [element.number if element else None for element in self.elements or (None,)]
        if self.elements is None or None in numbers:
            raise Mixes("is told where to work by a computed value")
        return [number for number in numbers if number is not None]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the rows of an output lie; `dims` only where the rule knows better than ONNX."""

    axis: int
    outer: Size
    length: Size
    dims: Dims | None = None


def product(sizes: Iterable[Size]) -> Size:
    """All of them multiplied."""
    total = ONE
    for size in sizes:
        total = total * size
    return total


def depends_on_count(elements: Elements) -> bool:
    """True when any of them does."""
    return any(element is None or element.counts_rows for element in elements)
