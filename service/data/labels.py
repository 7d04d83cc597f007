"""Labels that are written as text: names of classes, or numbers."""

import math

from service.data.dataset import Expected
from service.data.values import plain_number
from service.data.wording import listing, quoted


class LabelTexts:
    """What the text of a label stands for: a name first, else a number.

    Once one of the names reads as a number, numbers are names only: '3' can't mean two things.
    """

    def __init__(self, expected: Expected) -> None:
        self.names = {name: index for index, name in enumerate(expected.label_names)}
        self._are_numbers_taken = all(plain_number(name) is None for name in self.names)
        self._classes = expected.classes

    @property
    def wanted(self) -> str:
        """What a label may be, for a message."""
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

    def wrong(self, text: str) -> str:
        """How a text reads that is no label."""
        return "is empty" if not text.strip() else f"is {quoted(text)}"
