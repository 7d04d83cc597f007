"""What a label in a file stands for: the name of a class, its index, a number, or a set of them."""

import math
from typing import Any

import numpy as np

from service.data.dataset import Expected
from service.data.values import plain_number
from service.data.wording import listing, quoted

UNKNOWN = "unknown labels"


class Labels:
    """Reads labels: a name first, else a number, unless names or indices are asked for.

    Once one of the names reads as a number, numbers are names only: '3' can't mean two things.
    """

    def __init__(self, expected: Expected) -> None:
        form = expected.label_form
        named = () if form == "indices" else expected.label_names
        self.names = {name: index for index, name in enumerate(named)}
        are_plain = all(plain_number(name) is None for name in self.names)
        self._are_numbers_taken = are_plain and not (form == "names" and self.names)
        truths = {name.lower(): index for name, index in self.names.items()}
        self._truths = (truths.get("false"), truths.get("true"))
        self._classes = expected.classes
        self._are_sets = expected.are_sets
        self._are_indices = form == "indices"

    @property
    def wanted(self) -> str:
        """What a label may be, for a message."""
        if self._are_sets:
            return self._wanted_set
        index = "" if self._classes is None else f", a class index from 0 to {self._classes - 1}"
        if not self.names:
            return "a number" + index
        return f"one of {listing(tuple(self.names))}" + (index if self._are_numbers_taken else "")

    def number(self, text: str) -> float | None:
        """The class index, or the number itself; none if the text is neither."""
        name = text.strip(" \t")
        if name in self.names:
            return self.names[name]
        value = plain_number(name) if self._are_numbers_taken else None
        return value if value is not None and math.isfinite(value) else None

    def named(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Numbers as class indices, and which of them are the name of no class.

        They are what they are unless the classes are called by numbers, or by names only. Booleans
        are the classes that are called True and False, if there are such.
        """
        if values.dtype.kind == "b" and None not in self._truths:
            return np.array(self._truths, np.int64)[values.astype(int)], np.zeros(len(values), bool)
        if self._are_numbers_taken:
            return values, np.zeros(len(values), bool)
        distinct, inverse = np.unique(values, return_inverse=True)
        found = [
            self.names.get(_plain(value), self.names.get(repr(value)))
            for value in distinct.tolist()
        ]
        indices = np.array([0 if index is None else index for index in found], np.int64)
        is_bad = np.array([index is None for index in found], bool)
        return indices[inverse], is_bad[inverse]

    def chosen(self, value: Any) -> list[float] | None:
        """0 or 1 for each class out of a list: names, or 0 and 1 for each; none for others.

        Where labels are indices it is a list of indices.
        """
        classes = self._classes or 0
        if not isinstance(value, list):
            return None
        if not self._are_indices and len(value) == classes and _are_bits(value):
            return [float(bit) for bit in value]
        picked = [self._index(item) for item in value]
        known = {index for index in picked if index is not None}
        if None in picked or len(known) < len(picked):
            return None
        return [float(index in known) for index in range(classes)]

    def wrong(self, value: Any) -> str:
        """How something reads that is no label."""
        if isinstance(value, str):
            return f"is {quoted(value)}" if value.strip() else "is empty"
        return "is no label"

    @property
    def _wanted_set(self) -> str:
        if self._are_indices:
            return f"a list of indices from 0 to {(self._classes or 0) - 1}"
        names = f"a list of names among {listing(tuple(self.names))}, or " if self.names else ""
        return f"{names}a list of 0 or 1 for each of {self._classes} classes"

    def _index(self, item: Any) -> int | None:
        if isinstance(item, str):
            return self.names.get(item)
        is_index = self._are_indices and type(item) is int and 0 <= item < (self._classes or 0)
        return item if is_index else None


def _are_bits(value: list[Any]) -> bool:
    return all(type(item) in (int, float, bool) and item in (0, 1) for item in value)


def _plain(value: Any) -> str:
    """A number as the name of a class is written."""
    return str(int(value)) if float(value).is_integer() else repr(value)
