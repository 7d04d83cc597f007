"""What a version answered for each row, in as few bytes as joining it with a label needs.

The same bytes stand in a receipt and, for what is recorded, in the database. By kind, for a row:

    classes   the class: 1 byte up to 256 classes, else 2; the score: 2 bytes
    values    4 bytes a number: big-endian float32
    sets      a bit a label, the first one the highest of its byte; the last byte filled with zeros
    nothing   no bytes: an answer that no label can be compared with

A score is a probability in steps of 1/65534; 65535 says that it is none, such as a logit.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from struct import Struct

import numpy as np

MAX_WIDTH = 65536
MAX_NARROW = 256
FULL_SCORE = 65534
NO_SCORE = 65535
LARGEST_PROBABILITY = 1.001  # a softmax of float16 adds up to no better

NARROW, WIDE = Struct(">BH"), Struct(">HH")
NARROW_ROWS = np.dtype([("index", "u1"), ("score", ">u2")])
WIDE_ROWS = np.dtype([("index", ">u2"), ("score", ">u2")])
FLOATS, DOUBLES = np.dtype(">f4"), np.dtype(">f8")

Answer = int | bytes  # a class, or the bytes of a row's numbers or bits


class Kind(IntEnum):
    """What one row of an answer is; the numbers stand in receipts and in the database."""

    NOTHING = 0
    CLASSES = 1
    VALUES = 2
    SETS = 3


@dataclass(frozen=True, slots=True)
class Shape:
    """The kind of a version's answers and how many there are to choose from.

    `width` counts classes, the numbers of a row, or the labels that a row may have.
    """

    kind: Kind
    width: int

    def __post_init__(self) -> None:
        least = 0 if self.kind is Kind.NOTHING else 1
        if not least <= self.width <= (MAX_WIDTH if least else 0):
            raise ValueError(f"a width of {self.width} for {self.kind.name}")

    @property
    def row_bytes(self) -> int:
        """How many bytes a row takes."""
        if self.kind is Kind.CLASSES:
            return NARROW.size if self.width <= MAX_NARROW else WIDE.size
        if self.kind is Kind.VALUES:
            return FLOATS.itemsize * self.width
        return (self.width + 7) // 8


@dataclass(slots=True)
class Prediction:
    """One prediction that labels may be joined with. It isn't frozen, as that is three times as
    dear.

    `id` is 16 bytes; `at` is in milliseconds since 1970; `content` is there unless it is recorded
    and has to be looked up.
    """

    id: bytes
    version: int
    at: int
    shape: Shape
    rows: int
    content: bytes | None

    def row(self, number: int) -> tuple[Answer, int | None]:
        """What was answered for a row that there is, and its score in steps, if it has one."""
        if self.content is None:
            raise LookupError("the prediction has to be looked up first")
        if self.shape.kind is not Kind.CLASSES:
            size = self.shape.row_bytes
            return self.content[number * size : (number + 1) * size], None
        form = NARROW if self.shape.width <= MAX_NARROW else WIDE
        index, score = form.unpack_from(self.content, number * form.size)
        return index, None if score == NO_SCORE else score


@lru_cache(1024)
def shape_of(kind: int, width: int) -> Shape:
    """The shape, from numbers as they are kept: models have few of them, rows are many."""
    return Shape(Kind(kind), width)


def pack_classes(width: int, index: np.ndarray, score: np.ndarray) -> bytes:
    """The rows of decisions among `width` classes; both arrays have the shape (rows,)."""
    if len(index) == 1:  # a tenth of the time that a table takes
        form = NARROW if width <= MAX_NARROW else WIDE
        return form.pack(index.item(), _steps(score.item()))
    rows = np.empty(len(index), NARROW_ROWS if width <= MAX_NARROW else WIDE_ROWS)
    rows["index"] = index
    rows["score"] = steps_of(score)
    return rows.tobytes()


def steps_of(score: np.ndarray) -> np.ndarray:
    """Scores in steps, as they are kept; `NO_SCORE` for what is no probability."""
    probability = score.astype(np.float64)
    with np.errstate(invalid="ignore"):  # NaN is neither
        is_one = (probability >= 0) & (probability <= LARGEST_PROBABILITY)
    steps = np.minimum(np.where(is_one, probability, 0) * FULL_SCORE + 0.5, FULL_SCORE)
    return np.where(is_one, steps.astype(np.int64), NO_SCORE)


def pack_values(values: np.ndarray) -> bytes:
    """The rows of numbers, of shape (rows,) or (rows, width)."""
    with np.errstate(over="ignore"):  # what no float32 holds is infinite
        return values.astype(FLOATS).tobytes()


def pack_sets(chosen: np.ndarray) -> bytes:
    """The rows of yes or no, of shape (rows, width)."""
    return np.packbits(chosen.astype(bool), axis=1).tobytes()


def read_sets(width: int, content: bytes) -> np.ndarray:
    """Yes or no as bool, of shape (rows, width)."""
    bits = np.frombuffer(content, np.uint8).reshape(-1, (width + 7) // 8)
    return np.unpackbits(bits, axis=1, count=width).astype(bool)


def _steps(probability: float) -> int:
    if 0 <= probability <= LARGEST_PROBABILITY:
        return min(int(probability * FULL_SCORE + 0.5), FULL_SCORE)
    return NO_SCORE
