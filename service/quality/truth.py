"""From what somebody calls the truth of a row to the form in which it is compared and kept.

A class is named by its label in `model.yaml` or by its index from 0. The label comes first, also
for numbers: with the labels ("1", "2", "3") both 1 and "1" are the first class, so that a CSV file,
which knows no numbers, means the same as JSON. Only what is no label's text is an index.
"""

import re
from collections.abc import Sequence
from math import isfinite
from typing import Any

import numpy as np

from service.quality.outcomes import Outcome
from service.quality.predicted import DOUBLES, Answer, Kind, Shape, pack_sets

INDEX = re.compile(r"(0|[1-9][0-9]{0,9})(\.0)?")
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
LARGE = 10**18
MAX_NUMBER = 400  # characters; float() takes what it likes for longer ones


class Truths:
    """Reads the labels of rows of one version."""

    def __init__(self, shape: Shape, labels: Sequence[str] = ()) -> None:
        self._shape = shape
        self._index = {label: index for index, label in enumerate(labels) if index < shape.width}

    def read(self, label: Any) -> Answer | Outcome:
        """The class, or the numbers or bits of the row; else why the label is none."""
        if self._shape.kind is Kind.CLASSES:
            found = self._class(label)
            return Outcome.UNKNOWN_CLASS if found is None else found
        if self._shape.kind is Kind.VALUES:
            return self._values(label)
        if self._shape.kind is Kind.SETS:
            return self._set(label)
        return Outcome.NOT_SCORED

    def _class(self, label: Any) -> int | None:
        texts = _texts(label)
        for text in texts:
            if text in self._index:
                return self._index[text]
        if isinstance(label, bool):
            return int(label) if self._shape.width == 2 else None
        match = INDEX.fullmatch(texts[-1]) if texts else None
        index = int(match[1]) if match else self._shape.width
        return index if index < self._shape.width else None

    def _values(self, label: Any) -> bytes | Outcome:
        given = label if isinstance(label, list) else [label]
        numbers = [_number(one) for one in given]
        if len(numbers) != self._shape.width or None in numbers:
            return Outcome.NOT_A_NUMBER
        return np.array(numbers, DOUBLES).tobytes()

    def _set(self, label: Any) -> bytes | Outcome:
        """A list of labels or indices, or of true and false for each label there is."""
        width = self._shape.width
        if not isinstance(label, list) or self._is_ambiguous(label):
            return Outcome.UNKNOWN_CLASS
        if label and all(isinstance(one, bool) for one in label):
            if len(label) != width:
                return Outcome.UNKNOWN_CLASS
            return pack_sets(np.array([label]))
        named = [None if isinstance(one, bool) else self._class(one) for one in label]
        if None in named or len(set(named)) < len(named):
            return Outcome.UNKNOWN_CLASS
        chosen = np.zeros((1, width), bool)
        chosen[0, np.array(named, np.int64)] = True
        return pack_sets(chosen)

    def _is_ambiguous(self, label: list[Any]) -> bool:
        """True for 0 and 1 alone, one a label: they may be indices, or stand for no and yes."""
        texts = {"" if isinstance(one, bool) else (_texts(one) or [""])[-1] for one in label}
        return len(label) == self._shape.width and texts <= {"0", "1"} - self._index.keys()


def _texts(label: Any) -> list[str]:
    """How a label may be written; an index is written in the last way."""
    if isinstance(label, str):
        return [label]
    if isinstance(label, bool):
        return ["true", "True"] if label else ["false", "False"]
    if isinstance(label, int):
        return [str(label)] if abs(label) < LARGE else []
    if isinstance(label, float):
        return [repr(label), str(int(label))] if label.is_integer() else [repr(label)]
    return []


def _number(label: Any) -> float | None:
    if isinstance(label, str):
        is_number = len(label) <= MAX_NUMBER and NUMBER.fullmatch(label) is not None
        label = float(label) if is_number else None
    if isinstance(label, bool) or not isinstance(label, int | float):
        return None
    try:
        number = float(label)
    except OverflowError:
        return None
    return number if isfinite(number) else None
