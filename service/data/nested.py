"""Nested lists of JSON as flat numbers with a shape, each fault with its path."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from service.data.source import Source
from service.data.wording import quoted

NOT_NUMBERS = "values that aren't numbers"
EMPTY = "empty values"

# Told of the flat indices of wrong values: the first of them reads so, and so it should.
Note = Callable[[list[int], str, str], None]


def flatten(source: Source, value: Any, where: str) -> tuple[list[Any], tuple[int, ...]]:
    """The values of a nested list in order, and its shape.

    Raises DataRefused, with the path behind `where`, if it is ragged.
    """
    shape: list[int] = []
    level = [value]
    while level and isinstance(level[0], list):
        length = len(level[0])
        for index, item in enumerate(level):
            if not isinstance(item, list) or len(item) != length:
                got = f"has {len(item)} values" if isinstance(item, list) else "is no list"
                raise source.refused(path_text(where, index, shape), got, f"a list of {length}")
        shape.append(length)
        level = list(itertools.chain.from_iterable(level))
    if list in set(map(type, level)):
        index = next(index for index, item in enumerate(level) if isinstance(item, list))
        raise source.refused(path_text(where, index, shape), "is a list", "a number")
    return level, tuple(shape)


def path_text(where: str, index: int, shape: list[int] | tuple[int, ...]) -> str:
    """The path of a value, such as `'x'[3][2]`, by its flat index."""
    at = np.unravel_index(index, shape) if shape else ()
    return where + "".join(f"[{axis}]" for axis in at)


def numbers(flat: list[Any], note: Note, wanted: str = "a number") -> np.ndarray:
    """Numbers as an array; what is none is noted, and 0 stands for it."""
    kinds = set(map(type, flat))
    if kinds - {int, float}:
        bad = [i for i, value in enumerate(flat) if type(value) not in (int, float)]
        note(bad, f"is {kind_text(flat[bad[0]])}", wanted)
        flat = [value if type(value) in (int, float) else 0 for value in flat]
        kinds = set(map(type, flat))
    if kinds == {int}:
        try:
            return np.array(flat, np.int64)
        except OverflowError:
            pass  # a float64 holds it nearly, and the check of its range sees it
    return np.array(flat, np.float64)


def kind_text(value: Any) -> str:
    """What a JSON value is that is no number."""
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return f"the text {quoted(value)}"
    if isinstance(value, list):
        return "a list"
    return "null" if value is None else "an object"
