"""Predictions and labels for the tests of feedback."""

import hashlib
from collections.abc import Iterable

import numpy as np

from service.quality.feedback import Labelled
from service.quality.predicted import (
    DOUBLES,
    Answer,
    Kind,
    Prediction,
    Shape,
    pack_classes,
    pack_sets,
    pack_values,
)
from service.quality.windows import HOUR

NOON = 500_000 * HOUR
DIGITS = Shape(Kind.CLASSES, 10)
BINARY = Shape(Kind.CLASSES, 2)
NUMBER = Shape(Kind.VALUES, 1)
SETS = Shape(Kind.SETS, 3)


def id_of(name: str) -> bytes:
    return hashlib.blake2b(name.encode(), digest_size=16).digest()


def prediction(
    name: str, content: bytes, shape: Shape = DIGITS, version: int = 1, at: int = NOON
) -> Prediction:
    """A prediction with these rows."""
    return Prediction(id_of(name), version, at, shape, len(content) // shape.row_bytes, content)


def labelled(
    name: str,
    truth: int,
    predicted: int,
    *,
    shape: Shape = DIGITS,
    version: int = 1,
    at: int = NOON,
    score: float = 0.5,
) -> Labelled:
    """The one row of a prediction of a class."""
    content = pack_classes(shape.width, np.array([predicted]), np.array([score]))
    made = prediction(name, content, shape, version, at)
    return joined(made, 0, truth)


def number(name: str, truth: float, predicted: float, at: int = NOON) -> Labelled:
    """The one row of a predicted number."""
    made = prediction(name, pack_values(np.array([predicted])), NUMBER, at=at)
    return joined(made, 0, np.array([truth], DOUBLES).tobytes())


def labels(name: str, truth: Iterable[int], predicted: Iterable[int], at: int = NOON) -> Labelled:
    """The one row of a predicted set of labels, both given as 0 and 1."""
    made = prediction(name, pack_sets(np.array([list(predicted)])), SETS, at=at)
    return joined(made, 0, pack_sets(np.array([list(truth)])))


def joined(made: Prediction, row: int, truth: Answer) -> Labelled:
    """A row of a prediction with its label."""
    predicted, score = made.row(row)
    return Labelled(made, row, predicted, score, truth)
