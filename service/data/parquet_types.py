"""What a column of a Parquet file holds: numbers, texts or times, and how deep in lists."""

from dataclasses import dataclass
from typing import Any, Literal

Leaf = Literal["number", "text", "time", "other"]


@dataclass(frozen=True, slots=True)
class ColumnKind:
    """`leaf` is what the values are, `depth` how many lists are around them."""

    leaf: Leaf
    depth: int = 0


def kind_of(kind: Any) -> ColumnKind:
    """The kind of an Arrow type; categories are what their values are."""
    import pyarrow

    types = pyarrow.types
    depth = 0
    while types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        kind = kind.value_type
        depth += 1
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind):
        return ColumnKind("number", depth)
    if types.is_string(kind) or types.is_large_string(kind):
        return ColumnKind("text", depth)
    if types.is_timestamp(kind) or types.is_date(kind):
        return ColumnKind("time", depth)
    return ColumnKind("other", depth)
