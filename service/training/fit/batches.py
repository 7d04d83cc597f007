"""Batches of rows in an order that is a pure function of the seed and the epoch."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from service.training.data.rows import Rows

Pack = Callable[[list[np.ndarray]], Any]
Encode = Callable[[np.ndarray], np.ndarray]

# Python is asked for so much at once, and TensorFlow cuts it into batches: asked for each batch,
# it took longer than a small model's training.
CHUNK_BYTES = 4 * 1024**2
CHUNKS_AHEAD = 2


def order(seed: int, epoch: int, rows: int) -> np.ndarray:
    """In which order the rows are gone through in an epoch; the same in every process."""
    return np.random.Generator(np.random.PCG64([seed, epoch])).permutation(rows)


def row_weights(rows: Rows, of_classes: Sequence[float] | None) -> np.ndarray | None:
    """How much each row counts: its own weight times that of its class; none if all count 1."""
    own = None if rows.weights is None else np.asarray(rows.weights, np.float32)
    if of_classes is None:
        return own
    by_class = np.asarray(of_classes, np.float32)[np.asarray(rows.labels, np.int64)]
    return by_class if own is None else own * by_class


class Batches:
    """Rows of memory-mapped arrays, read as they are used.

    `pack` puts a batch of each input into the structure that the model takes, `encode` makes of
    labels what its loss takes. The rows keep their order until `shuffle` is called.
    """

    def __init__(self, rows: Rows, batch_size: int, pack: Pack, encode: Encode) -> None:
        self._inputs = list(rows.inputs.values())
        self._labels = rows.labels
        self._batch_size = batch_size
        self._pack, self._encode = pack, encode
        self._weights = row_weights(rows, None)
        self._order: np.ndarray | None = None

    def weigh(self, rows: Rows, of_classes: Sequence[float] | None) -> None:
        """Let classes count differently."""
        self._weights = row_weights(rows, of_classes)

    def shuffle(self, seed: int, epoch: int) -> None:
        """Take the order of this epoch; `fit` begins to read anew after that."""
        self._order = order(seed, epoch, len(self._labels))

    def __len__(self) -> int:
        return math.ceil(len(self._labels) / self._batch_size)

    def first(self) -> tuple[Any, ...]:
        """The first batch."""
        return self._read(slice(0, self._batch_size))

    def dataset(self) -> Any:
        """All batches once, for Keras, which begins anew in each epoch."""
        spec = tf.nest.map_structure(_spec_of, self._read(slice(0, 1)))
        chunks = tf.data.Dataset.from_generator(self._chunks, output_signature=spec)
        batches = chunks.prefetch(CHUNKS_AHEAD).rebatch(self._batch_size)
        return batches.apply(tf.data.experimental.assert_cardinality(len(self)))

    def _chunks(self) -> Iterator[tuple[Any, ...]]:
        size = self._chunk_rows()
        for at in range(0, len(self._labels), size):
            yield self._read(slice(at, at + size))

    def _chunk_rows(self) -> int:
        """Whole batches, as many as fit in a chunk."""
        of_a_row = sum(values[:1].nbytes for values in (*self._inputs, self._labels))
        of_a_batch = max(of_a_row * self._batch_size, 1)
        return max(CHUNK_BYTES // of_a_batch, 1) * self._batch_size

    def _read(self, at: slice) -> tuple[Any, ...]:
        rows: Any = at if self._order is None else self._order[at]
        # Copies: TensorFlow takes arrays over as they are and writes into them where it can, which
        # kills the process where they are files that are mapped for reading.
        inputs = self._pack([np.array(values[rows]) for values in self._inputs])
        labels = self._encode(np.array(self._labels[rows]))
        if self._weights is None:
            return inputs, labels
        return inputs, labels, self._weights[rows]


def _spec_of(values: np.ndarray) -> Any:
    return tf.TensorSpec((None, *values.shape[1:]), values.dtype)
