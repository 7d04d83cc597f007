"""Labels meet the predictions that they are about: what a request says, row by row, without I/O.

First `locate` reads the ids. What isn't inside of them is then looked up by the caller, once for
all rows, and `join` puts both together. Each row ends as a labelled row or as the one reason why
it isn't; rows don't depend on each other.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.quality.outcomes import Outcome
from service.quality.predicted import Answer, Prediction, Shape
from service.quality.receipt import ReadReceipt, Receipts, is_own_id
from service.quality.truth import Truths

ROW = re.compile(r"0|[1-9][0-9]{0,8}")
LabelsOf = Callable[[int], Sequence[str]]


@dataclass(slots=True)
class Claim:
    """What a client says: the prediction with this id, `<id>/n` for row n, was truly this."""

    id: str
    label: Any


@dataclass(slots=True)
class Labelled:
    """A row with its label; both `predicted` and `truth` are in the form of `predicted.py`."""

    prediction: Prediction
    row: int
    predicted: Answer
    score: int | None
    truth: Answer


@dataclass(slots=True)
class Located:
    """A row whose id was read; the prediction is there unless it was recorded."""

    id: bytes
    prediction: Prediction | None
    row: int | None
    label: Any


@dataclass(frozen=True, slots=True)
class Terms:
    """Whose feedback is taken: a model, its labels by version, and from when on (in ms)."""

    model: str
    labels_of: LabelsOf
    oldest: int


class Join:
    """The join of one request."""

    def __init__(self, receipts: Receipts, terms: Terms) -> None:
        self._receipts = receipts
        self._terms = terms
        self._read: dict[str, ReadReceipt | Outcome] = {}
        self._truths: dict[tuple[int, Shape], Truths] = {}

    def locate(self, claims: Sequence[Claim]) -> list[Located | Outcome]:
        """Which row of which prediction each claim is about."""
        return [self._locate(claim) for claim in claims]

    def join(
        self, located: Sequence[Located | Outcome], recorded: Mapping[bytes, Prediction]
    ) -> list[Labelled | Outcome]:
        """The labelled rows; `recorded` has what was found of the ids that `missing` names."""
        return [one if isinstance(one, Outcome) else self._join(one, recorded) for one in located]

    def _locate(self, claim: Claim) -> Located | Outcome:
        text, row = split_row(claim.id)
        if text.startswith("r1-"):
            read = self._read.get(text)
            if read is None:
                read = self._read[text] = self._read_receipt(text)
            if isinstance(read, Outcome):
                return read
            prediction = read.prediction
            return Located(prediction.id, prediction, row, claim.label)
        if not is_own_id(text):
            return Outcome.MALFORMED
        return Located(self._receipts.own_id(self._terms.model, text), None, row, claim.label)

    def _read_receipt(self, text: str) -> ReadReceipt | Outcome:
        read = self._receipts.read(text)
        if isinstance(read, Outcome):
            return read
        if not self._receipts.is_of(read, self._terms.model):
            return Outcome.OTHER_MODEL
        return read if read.prediction.at >= self._terms.oldest else Outcome.EXPIRED

    def _join(self, located: Located, recorded: Mapping[bytes, Prediction]) -> Labelled | Outcome:
        prediction = located.prediction
        if is_missing(prediction):
            prediction = recorded.get(located.id)
        if prediction is None:
            return Outcome.UNKNOWN_ID
        if prediction.at < self._terms.oldest:
            return Outcome.EXPIRED
        row = located.row
        if row is None and prediction.rows == 1:
            row = 0
        if row is None or row >= prediction.rows:
            return Outcome.ROW_OUT_OF_RANGE
        truth = self._truths_of(prediction).read(located.label)
        if isinstance(truth, Outcome):
            return truth
        predicted, score = prediction.row(row)
        return Labelled(prediction, row, predicted, score, truth)

    def _truths_of(self, prediction: Prediction) -> Truths:
        key = (prediction.version, prediction.shape)
        truths = self._truths.get(key)
        if truths is None:
            labels = self._terms.labels_of(prediction.version)
            truths = self._truths[key] = Truths(prediction.shape, labels)
        return truths


def split_row(text: str) -> tuple[str, int | None]:
    """The id, and the row that is named after it, if one is."""
    if "/" in text:
        name, _, row = text.rpartition("/")
        if ROW.fullmatch(row):
            return name, int(row)
    return text, None


def missing(located: Sequence[Located | Outcome]) -> set[bytes]:
    """The ids whose rows have to be looked up."""
    return {
        one.id for one in located if not isinstance(one, Outcome) and is_missing(one.prediction)
    }


def is_missing(prediction: Prediction | None) -> bool:
    """Whether the rows of a prediction have to be looked up."""
    return prediction is None or (prediction.content is None and prediction.shape.row_bytes > 0)
