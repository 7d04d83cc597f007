"""Decide which layer of a file belongs to which layer of a model, by what their names tell.

A name that Keras numbered by itself (dense_3) says less than one that a person gave: it depends on
what was built before in the same process. Only its place among the others of its kind counts.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from service.loading.weights.targets import canonical

By = Literal["path", "name", "numbering", "order"]
Mode = Literal["strict", "order", "fit"]
# The weakest evidence first.
WEAKEST: tuple[By, ...] = ("order", "numbering", "path", "name")

Shapes = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A layer of the file or the model; `kind` is the model layer's class in snake case."""

    name: str
    shapes: Shapes
    kind: str = ""


@dataclass(slots=True)
class Match:
    """Pairs of indices (file, model), what they rest on, and where two could be exchanged."""

    pairs: list[tuple[int, int]] = field(default_factory=list)
    by: set[By] = field(default_factory=set)
    ambiguous: list[tuple[int, ...]] = field(default_factory=list)

    def add(self, pairs: Iterable[tuple[int, int]], by: By) -> None:
        found = list(pairs)
        self.pairs += found
        if found:
            self.by.add(by)


@dataclass(frozen=True, slots=True)
class _Sides:
    files: Sequence[Candidate]
    targets: Sequence[Candidate]
    fits: Callable[[int, int], bool]


def match(
    files: Sequence[Candidate],
    targets: Sequence[Candidate],
    fits: Callable[[int, int], bool],
    mode: Mode = "strict",
    is_ordered: bool = True,
) -> Match:
    """Pair layers: by equal names, by the numbering of each kind, at last by order.

    `fits` tells whether the arrays of a file's layer can go into a model's. What has no partner is
    in no pair. In mode "order" only the order counts, in mode "fit" it never does.
    """
    result = Match()
    if mode == "order" and is_ordered:
        result.add(zip(range(len(files)), range(len(targets)), strict=False), "order")
        return result
    if _same_names(files, targets):
        by_name = {target.name: index for index, target in enumerate(targets)}
        result.add(((i, by_name[file.name]) for i, file in enumerate(files)), "name")
        return result
    sides = _Sides(files, targets, fits)
    automatic = {canonical(target.kind) for target in targets if target.kind}
    _by_given_name(sides, automatic, result)
    _by_numbering(sides, automatic, result, is_ordered)
    if mode == "fit":
        _by_first_numbers(sides, automatic, result)
    if mode == "strict" and is_ordered:
        _by_order(sides, result)
    return result


def plain_name(name: str) -> str:
    """A name without what one version of Keras allows and another replaces, such as a slash."""
    return re.sub(r"\W+", "_", name)


def _same_names(files: Sequence[Candidate], targets: Sequence[Candidate]) -> bool:
    names = [file.name for file in files]
    others = [target.name for target in targets]
    return len(set(names)) == len(names) and sorted(names) == sorted(others) and "" not in names


def _by_given_name(sides: _Sides, automatic: Collection[str], result: Match) -> None:
    """Names that a person gave, where one stands once on either side."""
    places = _once(target.name for target in sides.targets)
    for name, index in _once(file.name for file in sides.files).items():
        is_given = name and canonical(_numbered(name)[0]) not in automatic
        if is_given and name in places:
            result.add([(index, places[name])], "name")


def _by_numbering(
    sides: _Sides, automatic: Collection[str], result: Match, is_ordered: bool
) -> None:
    """Names that Keras gave: the third dense of the file is the third dense of the model."""
    ours, theirs = _by_kind(sides.files, automatic), _by_kind(sides.targets, automatic)
    done = {target for _, target in result.pairs}
    for kind, files in ours.items():
        targets = [index for index in theirs.get(kind, []) if index not in done]
        if len(files) != len(targets):
            continue
        names = {sides.files[index].name for index in files}
        if names == {sides.targets[index].name for index in targets} and len(names) == len(files):
            places = {sides.targets[index].name: index for index in targets}
            result.add(((index, places[sides.files[index].name]) for index in files), "name")
            continue
        _by_rank(sides, files, targets, is_ordered, result)


def _by_first_numbers(sides: _Sides, automatic: Collection[str], result: Match) -> None:
    """Equal automatic names where one side only goes on further: dense, dense_1 and dense_2."""
    ours, theirs = _by_kind(sides.files, automatic), _by_kind(sides.targets, automatic)
    for kind, found in ours.items():
        files, targets = _ranked(sides.files, found), _ranked(sides.targets, theirs.get(kind, []))
        pairs = list(zip(files, targets, strict=False))
        is_start = all(sides.files[i].name == sides.targets[j].name for i, j in pairs)
        if len(files) != len(targets) and is_start:
            result.add(pairs, "name")


def _by_rank(
    sides: _Sides, files: list[int], targets: list[int], is_ordered: bool, result: Match
) -> None:
    """Pair by rank where the order of both lists says the same, or where only that fits."""
    ranked = list(zip(_ranked(sides.files, files), _ranked(sides.targets, targets), strict=True))
    listed = list(zip(files, targets, strict=True))
    if sorted(ranked) == sorted(listed) or not is_ordered:
        result.add(ranked, "numbering")
        return
    fits_ranked = all(sides.fits(*pair) for pair in ranked)
    fits_listed = all(sides.fits(*pair) for pair in listed)
    if fits_ranked and not fits_listed:
        result.add(ranked, "numbering")
    elif fits_listed and not fits_ranked:
        result.add(listed, "order")
    else:
        moved = tuple(file for file, target in ranked if (file, target) not in listed)
        result.ambiguous.append(moved)


def _by_order(sides: _Sides, result: Match) -> None:
    """Whatever is left, in the order of the lists, if there are as many on both sides."""
    held = {index for group in result.ambiguous for index in group}
    done_files = {file for file, _ in result.pairs} | held
    done_targets = {target for _, target in result.pairs}
    files = [index for index in range(len(sides.files)) if index not in done_files]
    targets = [index for index in range(len(sides.targets)) if index not in done_targets]
    if len(files) != len(targets) or held:
        return
    pairs = list(zip(files, targets, strict=True))
    alike: dict[tuple[Shapes, Shapes], list[int]] = defaultdict(list)
    for file, target in pairs:
        alike[(sides.files[file].shapes, sides.targets[target].shapes)].append(file)
    result.ambiguous += [tuple(group) for group in alike.values() if len(group) > 1]
    result.add(pairs, "order")


def _by_kind(sides: Sequence[Candidate], automatic: Collection[str]) -> dict[str, list[int]]:
    kinds: dict[str, list[int]] = defaultdict(list)
    for index, each in enumerate(sides):
        kind = canonical(_numbered(each.name)[0])
        if kind in automatic:
            kinds[kind].append(index)
    return kinds


def _ranked(sides: Sequence[Candidate], indices: list[int]) -> list[int]:
    return sorted(indices, key=lambda index: _numbered(sides[index].name)[1])


def _numbered(name: str) -> tuple[str, int]:
    """dense_3 is number 3 of dense, and dense its number 0."""
    found = re.fullmatch(r"(.+?)_(\d{1,9})", name)
    return (found[1], int(found[2])) if found else (name, 0)


def _once(names: Iterable[str]) -> dict[str, int]:
    places: dict[str, list[int]] = defaultdict(list)
    for index, name in enumerate(names):
        places[name].append(index)
    return {name: found[0] for name, found in places.items() if len(found) == 1}
