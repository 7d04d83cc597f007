"""One answered prediction on its way into a file: who it is, what was asked, what was decided."""

from dataclasses import dataclass

import numpy as np

from service.base.signature import Tensors
from service.capture.schema import Form

BYTES_EACH = 500  # of one in memory, besides its numbers
TEXT_BYTES = 50  # of one text, besides its characters


@dataclass(slots=True)
class Answered:
    """It isn't frozen, as that makes it dearer; nobody changes it.

    `tag` is the prediction's id, `own` that of the client's own, hashed, or nothing. `at` is in
    milliseconds since 1970. The arrays belong to nobody else; `size` is bytes in memory.
    """

    tag: bytes
    own: bytes
    at: int
    rows: int
    inputs: Tensors
    classes: np.ndarray | None
    scores: np.ndarray | None
    size: int


@dataclass(frozen=True, slots=True, eq=False)
class Sink:
    """Where the answers of a version go as long as the same is kept of them."""

    form: Form
    digest: str


def bytes_of(inputs: Tensors) -> int:
    """How much memory a prediction with these inputs takes."""
    return BYTES_EACH + sum([_size_of(array) for array in inputs.values()])


def _size_of(array: np.ndarray) -> int:
    if array.dtype.kind != "O":
        return array.nbytes
    return sum(TEXT_BYTES + len(text) for text in array.ravel().tolist())
