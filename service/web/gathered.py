"""What the answers of one version leave behind until they are counted: bare numbers, side by side.

Were the answers' own arrays and clocks to wait here, the memory that the next request needs would
never be the one that is still in the processor's cache: that costs more than the counting.
"""

import threading
from array import array
from dataclasses import dataclass

import numpy as np

from service.repository.decisions import Decided, Decisions

STAGES = ("queue", "decode", "infer", "encode", "total")

Seconds = tuple[float, float, float, float, float]  # of a request, in the order of STAGES


@dataclass(frozen=True, slots=True)
class Taken:
    """Of some requests: seconds by request and stage, rows by request.

    By row the classes that were decided for, or all labels that were chosen; scores are those of
    decisions for one class.
    """

    seconds: np.ndarray
    rows: np.ndarray
    classes: np.ndarray
    scores: np.ndarray


class Gathered:
    """Safe in threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._score_dtype = np.dtype(np.float32)
        self._begin()

    def add(self, rows: int, decided: Decisions | None, seconds: Seconds) -> bool:
        """One request more; true if it is the first one since somebody took them."""
        with self._lock:
            is_first = not self._rows
            self._rows.append(rows)
            self._seconds.extend(seconds)
            if isinstance(decided, Decided):
                self._score_dtype = decided.score.dtype
                self._classes += decided.class_index.tobytes()
                self._scores += decided.score.tobytes()
            elif decided is not None:
                self._classes += np.nonzero(decided.chosen)[1].tobytes()
            return is_first

    def take(self) -> Taken:
        """All that there is; it begins anew."""
        with self._lock:
            seconds, rows = self._seconds, self._rows
            classes, scores = self._classes, self._scores
            self._begin()
        return Taken(
            np.frombuffer(seconds, np.float64).reshape(len(rows), len(STAGES)),
            np.frombuffer(rows, np.int64),
            np.frombuffer(classes, np.int64),
            np.frombuffer(scores, self._score_dtype),
        )

    def _begin(self) -> None:
        self._seconds, self._rows = array("d"), array("q")
        self._classes, self._scores = bytearray(), bytearray()
