"""What a request of a job names: files among it, whose names tell nothing else."""

from collections.abc import Mapping
from typing import Any


def texts_in(request: Mapping[str, Any]) -> set[str]:
    """Every text in the request; any may be a file's name."""
    found: set[str] = set()
    waiting: list[Any] = [request]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            found.add(value)
        elif isinstance(value, Mapping):
            waiting.extend(value.values())
        elif isinstance(value, list | tuple):
            waiting.extend(value)
    return found
