"""Nested lists of JSON as flat numbers with a shape, each fault with its path."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from service.data.labels import LabelTexts
from service.data.source import Source
from service.data.wording import quoted

# Where the value with this flat index stands in the file.
Path = Callable[[int], str]


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


def numbers(
    source: Source, flat: list[Any], path: Path, texts: LabelTexts | None = None
) -> np.ndarray:
    """Numbers as an array. Raises DataRefused for the first value that is none.

    With `texts` they are labels, which may be names.
    """
    if texts is not None and str in set(map(type, flat)):
        flat = [_named(source, value, path, index, texts) for index, value in enumerate(flat)]
    kinds = set(map(type, flat))
    if kinds - {int, float}:
        index = next(i for i, value in enumerate(flat) if type(value) not in (int, float))
        wanted = texts.wanted if texts else "a number"
        raise source.refused(path(index), f"is {_kind_text(flat[index])}", wanted)
    if kinds == {int}:
        try:
            return np.array(flat, np.int64)
        except OverflowError:
            pass  # a float64 holds it nearly, and the check of its range sees it
    return np.array(flat, np.float64)


def _named(source: Source, value: Any, path: Path, index: int, texts: LabelTexts) -> Any:
    if not isinstance(value, str):
        return value
    if value not in texts.names:
        raise source.refused(path(index), f"is the text {quoted(value)}", texts.wanted)
    return texts.names[value]


def _kind_text(value: Any) -> str:
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return f"the text {quoted(value)}"
    if isinstance(value, list):
        return "a list"
    return "null" if value is None else "an object"
