"""Which columns of a table are the label and the features, and how features make up inputs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from service.base.signature import Signature, shape_text
from service.data.dataset import Expected
from service.data.source import Source
from service.data.values import plain_number
from service.data.wording import column_text, listing, quoted

Shapes = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table: positions of the label and of the features in the model's order.

    `shapes` are those of one row of each input; a row's features fill them one after the other.
    """

    names: tuple[str, ...]
    label: int
    features: tuple[int, ...]
    shapes: Shapes

    def place(self, feature: int | None) -> str:
        """Where a feature, or with none the label, stands in the file."""
        position = self.label if feature is None else self.features[feature]
        return column_text(position, self.names[position])


def match_columns(
    source: Source, names: Sequence[str], expected: Expected, where: str = ""
) -> Columns:
    """Find the label and the features by their names. Raises DataRefused, prefixing `where`."""
    _check_names(source, names, where)
    label = _find_label(source, names, expected, where)
    features = _find_features(source, names, label, expected, where)
    shapes = item_shapes(source, expected.signature, len(features), where)
    return Columns(tuple(names), label, features, shapes)


def item_shapes(source: Source, signature: Signature, width: int, where: str = "") -> Shapes:
    """The shape of one row of each input if a row has `width` features.

    A single free axis, of a single input, takes its length from the width.
    """
    items = [spec.item_shape for spec in signature.inputs]
    free = sum(axis is None for item in items for axis in item)
    known = sum(math.prod(axis for axis in item if axis is not None) for item in items)
    if free == 0 and width == known:
        return tuple(tuple(axis or 0 for axis in item) for item in items)
    if free == 1 and len(items) == 1 and known and width and width % known == 0:
        return (tuple(width // known if axis is None else axis for axis in items[0]),)
    if free > 1 or (free and len(items) > 1):
        raise source.refused(
            where.rstrip(", "), "a table can't tell how long the model's free axes are",
            "arrays named as the model's inputs, in an NPZ or JSON file",
        )  # fmt: skip
    wanted = f"a multiple of {known}" if free else str(known)
    raise source.refused(
        where.rstrip(", "), f"has {width} feature columns", f"{wanted}, as the model has inputs"
    )


def _check_names(source: Source, names: Sequence[str], where: str) -> None:
    if names and all(plain_number(name) is not None for name in names):
        raise source.refused(where.rstrip(", "), "has numbers in place of names", "a header")
    seen: dict[str, int] = {}
    for position, name in enumerate(names):
        if not name:
            raise source.refused(f"{where}column {position + 1}", "has no name", "a named column")
        if name in seen:
            why = f"has the same name as column {seen[name] + 1}"
            raise source.refused(where + column_text(position, name), why, "each name once")
        seen[name] = position


def _find_label(source: Source, names: Sequence[str], expected: Expected, where: str) -> int:
    wanted = [name for name in expected.label_columns if name not in expected.columns]
    found = [position for position, name in enumerate(names) if name in wanted]
    if not found:
        label = " or ".join(quoted(name) for name in wanted)
        why = f"the label column is missing among {listing(tuple(names))}"
        raise source.refused(where.rstrip(", "), why, f"a column {label}")
    if expected.label.item_shape:
        wanted_shape = shape_text(expected.label.item_shape)
        wrong = f"a table has one label a row, but the model's output is {wanted_shape}"
        raise source.refused(where.rstrip(", "), wrong, "arrays in an NPZ or JSON file")
    if len(found) > 1:
        why = f"is a second label beside column {found[0] + 1}"
        raise source.refused(where + column_text(found[1], names[found[1]]), why, "one label")
    return found[0]


def _find_features(
    source: Source, names: Sequence[str], label: int, expected: Expected, where: str
) -> tuple[int, ...]:
    positions = {name: position for position, name in enumerate(names) if position != label}
    if not expected.columns:
        return tuple(positions.values())
    wanted = listing(expected.columns)
    missing = [name for name in expected.columns if name not in positions]
    extra = [name for name in positions if name not in set(expected.columns)]
    if missing:
        there = f"; there is {listing(tuple(extra))}" if extra else ""
        why = f"the column {quoted(missing[0])} is missing{there}"
        raise source.refused(where.rstrip(", "), why, wanted)
    if extra:
        place = where + column_text(positions[extra[0]], extra[0])
        raise source.refused(place, "is one column too many", f"only {wanted} and the label")
    return tuple(positions[name] for name in expected.columns)
