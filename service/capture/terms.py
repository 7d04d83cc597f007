"""What of a model's inputs is kept: how often, and what of them isn't."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from service.base.signature import STRING, Signature
from service.capture.schema import InputForm, input_form

ALL = 1 << 64
NUMBER = re.compile(r"(.+)\[(0|[1-9][0-9]{0,8})\]")


@dataclass(frozen=True, slots=True)
class Terms:
    """Of one model; `drop` names inputs or numbers of them, `features` the numbers in order.

    `features` are the columns of tables that the model learns from, where the operator says so:
    such a column is dropped by its name, too.
    """

    fraction: float = 0.0
    drop: tuple[str, ...] = ()
    features: tuple[str, ...] = ()

    @property
    def threshold(self) -> int:
        """Kept are predictions whose ids begin with a lower number, of 64 bits."""
        return ALL if self.fraction >= 1 else int(self.fraction * ALL)


@dataclass(frozen=True, slots=True)
class Keeping:
    """Which inputs of a version are kept; `unknown` are words of `drop` that mean none of them.

    Then none is kept: what should have been dropped might have another name.
    """

    inputs: tuple[InputForm, ...]
    unknown: tuple[str, ...] = ()

    @property
    def is_any(self) -> bool:
        """True if there is something to keep."""
        return bool(self.inputs) and not self.unknown


@dataclass(slots=True)
class _Dropping:
    """What is taken away from the inputs of a signature."""

    signature: Signature
    features: Mapping[str, tuple[str, int]]
    inputs: set[str] = field(default_factory=set)
    numbers: dict[str, set[int]] = field(default_factory=dict)

    def drop(self, word: str) -> bool:
        """Drop what a word means; false if it means nothing."""
        named = {spec.name: spec for spec in self.signature.inputs}
        if word in named:
            self.inputs.add(word)
            return True
        match = NUMBER.fullmatch(word)
        place = (match[1], int(match[2])) if match else self.features.get(word)
        spec = named.get(place[0]) if place else None
        if place is None or spec is None or None in spec.item_shape or spec.dtype == STRING:
            return False
        if place[1] >= prod(axis or 1 for axis in spec.item_shape):
            return False
        self.numbers.setdefault(place[0], set()).add(place[1])
        return True


def keeping(terms: Terms, signature: Signature) -> Keeping:
    """What is kept of the inputs of a version."""
    dropping = _Dropping(signature, _places(terms.features, signature))
    unknown = tuple(word for word in terms.drop if not dropping.drop(word))
    kept = (spec for spec in signature.inputs if spec.name not in dropping.inputs)
    blank = dropping.numbers
    inputs = tuple(input_form(one, tuple(sorted(blank.get(one.name, ())))) for one in kept)
    return Keeping(inputs, unknown)


def _places(features: Sequence[str], signature: Signature) -> dict[str, tuple[str, int]]:
    """Columns fill the inputs one after the other."""
    places = [
        (spec.name, number)
        for spec in signature.inputs
        for number in range(prod(axis or 1 for axis in spec.item_shape))
    ]
    return dict(zip(features, places, strict=False)) if len(features) == len(places) else {}
