"""Walk over a configuration: the objects in it, and the tensors that a graph refers to."""

from collections.abc import Iterator
from typing import Any, TypeGuard

from service.base.strict_json import Json


def objects_within(value: Any) -> Iterator[Json]:
    """Every dictionary that names a class; iterative, so depth can't hurt."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            if "class_name" in item:
                yield item
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)


def settings_within(value: Any) -> Iterator[Json]:
    """The configuration of every object that has one."""
    for item in objects_within(value):
        if isinstance(item.get("config"), dict):
            yield item["config"]


def is_reference(value: Any) -> TypeGuard[list[Any]]:
    """True for `[layer, call, output, ...]`, by which a graph refers to one of its tensors."""
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and type(value[1]) is int
        and (type(value[2]) is int or value[0] == "_CONSTANT_VALUE")
        and (len(value) == 3 or isinstance(value[3], dict))
    )


def references_within(value: Any) -> list[list[Any]]:
    """Every reference of a part of a graph, those in the arguments of calls included."""
    found: list[list[Any]] = []
    pending = [value]
    while pending:
        item = pending.pop()
        if is_reference(item):
            found.append(item)
            pending.extend(item[3:])
        elif isinstance(item, list | dict):
            pending.extend(item.values() if isinstance(item, dict) else item)
    return found
