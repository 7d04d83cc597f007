"""Which columns of a table are labels, features, weights and times: found by their names."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from service.base.signature import shape_text
from service.data.dataset import Expected
from service.data.layout import Slot, arrange
from service.data.source import Source
from service.data.values import plain_number
from service.data.wording import column_text, listing, quoted


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table by their positions, and how the features fill the inputs."""

    names: tuple[str, ...]
    labels: tuple[int, ...]
    slots: tuple[Slot, ...]
    weight: int | None = None
    time: int | None = None
    left: tuple[str, ...] = ()

    @property
    def features(self) -> tuple[int, ...]:
        """The feature columns that hold one number a row, in the model's order."""
        return tuple(
            position for slot in self.slots if not slot.is_cell for position in slot.columns
        )

    @property
    def extras(self) -> tuple[int, ...]:
        """The columns of weights and times, as far as there are."""
        return tuple(position for position in (self.weight, self.time) if position is not None)

    @property
    def taken(self) -> frozenset[int]:
        """Every column that is read."""
        features = (position for slot in self.slots for position in slot.columns)
        return frozenset((*features, *self.labels, *self.extras))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was found and is left out, for the record."""
        return (f"left out: {listing(self.left)}",) if self.left else ()

    def text(self, position: int) -> str:
        """A column for a message."""
        return column_text(position, self.names[position])


def match_columns(
    source: Source,
    names: Sequence[str],
    expected: Expected,
    where: str = "",
    holds_list: Callable[[int], bool] = lambda _position: False,
) -> Columns:
    """Find every column by its name. Raises DataRefused, prefixing `where`.

    `holds_list` tells whether the column at a position has lists in its cells.
    """
    check_names(source, names, where)
    labels = _find_labels(source, names, expected, where)
    weight = _find(source, names, expected.weight_column, where)
    time = _find(source, names, expected.time_column, where)
    used = {*labels, weight, time}
    used |= {_find(source, names, name, where) for name in expected.ignored}
    features, left = _find_features(source, names, used, expected, where)
    if len(labels) == 1 and not holds_list(labels[0]):
        _check_single(source, expected, where)
    slots = arrange(source, expected, features, holds_list, where)
    return Columns(tuple(names), labels, slots, weight, time, left)


def check_names(source: Source, names: Sequence[str], where: str) -> None:
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


def _find(source: Source, names: Sequence[str], name: str, where: str) -> int | None:
    """The position of a column; none if no name is asked for."""
    if not name:
        return None
    if name not in names:
        why = f"the column {quoted(name)} is missing among {listing(tuple(names))}"
        raise source.refused(where.rstrip(", "), why, "the columns that were named")
    return names.index(name)


def _find_labels(
    source: Source, names: Sequence[str], expected: Expected, where: str
) -> tuple[int, ...]:
    if expected.labels_apart:
        apart = [_find(source, names, name, where) for name in expected.labels_apart]
        return tuple(position for position in apart if position is not None)
    wanted = [name for name in expected.label_columns if name not in expected.columns]
    found = [position for position, name in enumerate(names) if name in wanted]
    of_sets = expected.label_names if expected.are_sets else ()
    if not found and of_sets and set(of_sets) <= set(names):
        return tuple(names.index(name) for name in of_sets)
    if not found:
        label = " or ".join(quoted(name) for name in wanted)
        why = f"the label column is missing among {listing(tuple(names))}"
        raise source.refused(where.rstrip(", "), why, f"a column {label}, or its name told")
    if len(found) > 1:
        why = f"is a second label beside column {found[0] + 1}"
        raise source.refused(where + column_text(found[1], names[found[1]]), why, "one label")
    return (found[0],)


def _check_single(source: Source, expected: Expected, where: str) -> None:
    """One column with one value a row isn't enough for labels of several numbers."""
    if not expected.label.item_shape or expected.are_sets:
        return
    wanted_shape = shape_text(expected.label.item_shape)
    wrong = f"a table has one label a row, but the model's output is {wanted_shape}"
    raise source.refused(where.rstrip(", "), wrong, "a column for each number, or lists of them")


def _find_features(
    source: Source,
    names: Sequence[str],
    used: Collection[int | None],
    expected: Expected,
    where: str,
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The positions of the features, and the names of what is left out."""
    positions = {name: at for at, name in enumerate(names) if at not in used}
    if not expected.columns:
        return tuple(positions.values()), expected.ignored
    wanted = listing(expected.columns)
    missing = [name for name in expected.columns if name not in positions]
    extra = tuple(name for name in positions if name not in set(expected.columns))
    if missing:
        there = f"; there is {listing(extra)}" if extra else ""
        why = f"the column {quoted(missing[0])} is missing{there}"
        raise source.refused(where.rstrip(", "), why, wanted)
    if extra and not expected.leaves_others:
        place = where + column_text(positions[extra[0]], extra[0])
        raise source.refused(place, "is one column too many", f"only {wanted} and the label")
    return tuple(positions[name] for name in expected.columns), (*expected.ignored, *extra)
