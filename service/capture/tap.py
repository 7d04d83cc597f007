"""Takes the inputs of one loaded version's answers, or not: the part that each answer meets."""

import logging
from collections.abc import Callable

import numpy as np

from service.base.metrics import CAPTURED_ROWS
from service.base.signature import Signature, Tensors
from service.capture.answered import Answered, Sink, bytes_of
from service.capture.schema import Form
from service.capture.terms import Terms, keeping

logger = logging.getLogger(__name__)

DRAWN = 8  # bytes of an id, which is as good as drawn by lot

Decisions = tuple[np.ndarray | None, np.ndarray | None]


class Tap:
    """Quick enough for the event loop, and safe in threads; never waits, never raises."""

    __slots__ = ("_put", "_signature", "_sink", "_terms", "_threshold", "model", "version")

    def __init__(
        self,
        model: str,
        version: int,
        signature: Signature,
        put: Callable[[Sink, Answered], bool],
    ) -> None:
        self.model = model
        self.version = version
        self._signature = signature
        self._put = put
        self._terms = Terms()
        self._threshold = 0
        self._sink = _sink(Form(model, version, ()))

    def follow(self, terms: Terms) -> None:
        """Take what the terms say from now on."""
        if terms == self._terms:
            return
        self._terms = terms
        kept = keeping(terms, self._signature)
        if kept.unknown and terms.fraction:
            logger.warning(
                "inputs aren't captured: capture.drop names what the model has no input for",
                extra={"model": self.model, "version": self.version, "names": kept.unknown},
            )
        self._threshold = 0  # nobody takes by the old form what the new terms drop
        self._sink = _sink(Form(self.model, self.version, kept.inputs))
        self._threshold = terms.threshold if kept.is_any else 0

    @property
    def is_on(self) -> bool:
        """False where no answer's inputs are kept."""
        return self._threshold > 0

    def takes(self, tag: bytes) -> bool:
        """Whether the inputs of a prediction are kept: always the same for one id."""
        return int.from_bytes(tag[:DRAWN]) < self._threshold

    def take(self, ids: tuple[bytes, bytes, int], inputs: Tensors, decisions: Decisions) -> None:
        """Keep copies of the inputs, or drop them; `ids` are tag, the client's own, and time."""
        sink = self._sink
        rows = len(next(iter(inputs.values())))
        try:
            kept = {one.name: _kept(inputs[one.name], one.blank) for one in sink.form.inputs}
        except MemoryError:
            CAPTURED_ROWS.labels(self.model, "dropped").inc(rows)
            return
        one = Answered(*ids, rows, kept, *decisions, bytes_of(kept))
        if not self._put(sink, one):
            CAPTURED_ROWS.labels(self.model, "dropped").inc(rows)


def _sink(form: Form) -> Sink:
    return Sink(form, form.digest)


def _kept(array: np.ndarray, blank: tuple[int, ...]) -> np.ndarray:
    """A copy, in which these numbers of each row are 0."""
    copy = array.copy()
    if blank:
        copy.reshape(len(copy), -1)[:, list(blank)] = 0
    return copy
