"""Whose code the time of a profile went into, a module or a library at a time."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

Function = tuple[str, int, str]  # file, line, name
Callers = Mapping[Function, tuple[int, int, float, float]]
Stats = Mapping[Function, tuple[int, int, float, float, Callers]]

BUILTIN = "~"
PACKAGES = "site-packages/"
# Where a name says whose code a function in C is; the others count for whoever calls them.
LIBRARIES = ("simdjson", "orjson", "onnxruntime", "uvloop", "httptools", "numpy")


def places(stats: Stats, root: str) -> dict[str, float]:
    """Seconds spent in each place itself, callees in C without a name of their own included."""
    found: dict[str, float] = defaultdict(float)
    for function, entry in stats.items():
        for place, seconds in _shares(function, entry, root):
            found[place] += seconds
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


def functions(stats: Stats, root: str) -> list[tuple[str, int, float]]:
    """Every function with its calls and the seconds in it itself, the dearest first."""
    found = [(_label(function, root), entry[1], entry[2]) for function, entry in stats.items()]
    return sorted(found, key=lambda each: -each[2])


def place_of(function: Function, root: str) -> str | None:
    """The module of the project or the library that a function belongs to; none if in C."""
    file, _, name = function
    if file == BUILTIN:
        return next((library for library in LIBRARIES if library in name), None)
    if file.startswith(root) and PACKAGES not in file:
        return file.removeprefix(root).lstrip("/")
    if PACKAGES in file:
        return file.rpartition(PACKAGES)[2].partition("/")[0].removesuffix(".py")
    return "standard library"


def _shares(function: Function, entry: Any, root: str) -> Iterator[tuple[str, float]]:
    *_, seconds, _cumulative, callers = entry
    place = place_of(function, root)
    if place is not None or not callers:
        yield place or "other", seconds
        return
    for caller, (*_, its_seconds, _its_cumulative) in callers.items():
        yield place_of(caller, root) or "other", its_seconds


def _label(function: Function, root: str) -> str:
    file, line, name = function
    if file == BUILTIN:
        return name
    short = place_of(function, root) if file.startswith(root) and PACKAGES not in file else None
    where = short or "/".join(file.split("/")[-2:])
    return f"{where}:{line} {name}"
