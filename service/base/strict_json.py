"""Read JSON from outside: bounded in size and depth, no duplicate keys, no NaN."""

import json
from collections import Counter
from typing import Any

MAX_BYTES = 64 * 1024 * 1024
MAX_CONTAINERS = 1_000_000
MAX_DEPTH = 100
MAX_DIGITS = 20
MAX_SHOWN = 60

ALL_DIGITS_ZERO = bytes.maketrans(b"123456789", b"000000000")

Json = dict[str, Any]


def parse_object(text: bytes | str, most_containers: int = MAX_CONTAINERS) -> Json:
    """Parse a JSON object, also one that was written as a JSON string inside JSON.

    Raises ValueError that says what is wrong.
    """
    if len(text) > MAX_BYTES:
        raise ValueError(f"the JSON is longer than {MAX_BYTES} bytes")
    value: Any = text
    for _ in range(3):
        if isinstance(value, bytes):
            value = value.decode("utf-8-sig")
        if value.count("[") + value.count("{") > most_containers:
            raise ValueError(f"the JSON has more than {most_containers} lists and objects")
        try:
            value = json.loads(
                value,
                object_pairs_hook=_object,
                parse_constant=_constant,
                parse_int=_integer if _has_long_number(value) else None,
            )
        except RecursionError:
            raise ValueError("the JSON is nested too deeply") from None
        if not isinstance(value, str):
            break
    if not isinstance(value, dict):
        raise ValueError(f"expected a JSON object, got {type(value).__name__}")
    _check_tree(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> Json:
    record = dict(pairs)
    if len(record) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise ValueError(f"the key {twice[:MAX_SHOWN]!r} stands twice in one JSON object")
    return record


def _constant(token: str) -> Any:
    raise ValueError(f"{token} is no JSON number")


def _has_long_number(text: str) -> bool:
    """Whether many digits stand in a row somewhere: only then each number need be looked at."""
    digits = text.encode(errors="surrogatepass").translate(ALL_DIGITS_ZERO)
    return b"0" * (MAX_DIGITS + 1) in digits


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        raise ValueError(f"a whole number of {len(digits)} digits")
    return int(digits)


def _check_tree(value: Any) -> None:
    """Check depth and texts; walk without recursion, so that depth itself can't hurt."""
    level = [value]
    for _ in range(MAX_DEPTH):
        inner: list[Any] = []
        for item in level:
            parts = [*item, *item.values()] if isinstance(item, dict) else item
            kinds = set(map(type, parts))
            if str in kinds:
                _check_texts(parts)
            if dict in kinds or list in kinds:
                inner.extend(part for part in parts if isinstance(part, dict | list))
        if not inner:
            return
        level = inner
    raise ValueError(f"the JSON is nested deeper than {MAX_DEPTH} levels")


def _check_texts(parts: list[Any]) -> None:
    for part in parts:
        if isinstance(part, str) and not part.isascii():
            part.encode()  # raises UnicodeEncodeError, a ValueError, for half a surrogate pair
