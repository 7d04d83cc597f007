"""Where two records differ: pure."""

from typing import Any

from service.base.strict_json import Json


def differences(old: Json, new: Json) -> list[str]:
    """The places whose values differ, such as `signature.outputs[0].shape`, in the records' order.

    A list of plain values is one value; what only one of them has is named as a whole.
    """
    return [place.lstrip(".") for place in _walk(old, new)]


def _walk(old: Any, new: Any, place: str = "") -> list[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        keys = dict.fromkeys([*old, *new])
        inner = [_beside(old, new, key, place + _step(key)) for key in keys]
    elif _holds_records(old) and _holds_records(new):
        longest = max(len(old), len(new))
        numbered = (dict(enumerate(old)), dict(enumerate(new)))
        inner = [_beside(*numbered, at, f"{place}[{at}]") for at in range(longest)]
    else:
        return [] if old == new else [place]
    return [found for several in inner for found in several]


def _beside(old: dict[Any, Any], new: dict[Any, Any], key: Any, place: str) -> list[str]:
    if key in old and key in new:
        return _walk(old[key], new[key], place)
    return [place]


def _holds_records(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _step(key: str) -> str:
    """A name of a file has dots of its own."""
    return f".{key}" if key.isidentifier() else f'["{key}"]'
