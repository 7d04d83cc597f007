"""Feedback as a request brings it: read, looked up, joined, kept, counted."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from service.quality.feedback import Claim, Join, Labelled, Terms, missing, split_row
from service.quality.outcomes import Outcome
from service.quality.receipt import Receipts, is_own_id
from service.quality.store import QualityStore


@dataclass(frozen=True, slots=True)
class Meant:
    """The predictions that ids name, in order, and which ids name none of this model's."""

    ids: tuple[bytes, ...]
    refused: dict[str, Outcome]


class Intake:
    """The one way in for feedback; it blocks on the database, so not for an event loop."""

    def __init__(self, receipts: Receipts, store: QualityStore) -> None:
        self._receipts = receipts
        self._store = store

    def take(self, terms: Terms, claims: Sequence[Claim], at: int) -> list[Outcome]:
        """What became of each claim, in their order; `at` is now, in milliseconds.

        Those that are kept are on the disk when this returns.
        """
        join = Join(self._receipts, terms)
        located = join.locate(claims)
        wanted = missing(located)
        recorded = self._store.find_predictions(wanted) if wanted else {}
        return self.keep(terms.model, join.join(located, recorded), at)

    def keep(self, model: str, joined: Sequence[Labelled | Outcome], at: int) -> list[Outcome]:
        """Keep rows that are joined, and count those that are refused."""
        labelled = [one for one in joined if isinstance(one, Labelled)]
        kept = iter(self._store.record_feedback(model, labelled, at) if labelled else ())
        refused = Counter(one for one in joined if isinstance(one, Outcome))
        self._store.count_refused(model, refused)
        return [one if isinstance(one, Outcome) else next(kept) for one in joined]

    def identify(self, model: str, texts: Sequence[str]) -> Meant:
        """The predictions of a model that ids name, whatever row of them each names."""
        found: set[bytes] = set()
        refused: dict[str, Outcome] = {}
        for text in texts:
            one = self._id(model, split_row(text)[0])
            if isinstance(one, Outcome):
                refused[text] = one
            else:
                found.add(one)
        return Meant(tuple(sorted(found)), refused)

    def _id(self, model: str, text: str) -> bytes | Outcome:
        if is_own_id(text):
            return self._receipts.own_id(model, text)
        read = self._receipts.read(text)
        if isinstance(read, Outcome):
            return read
        return read.prediction.id if self._receipts.is_of(read, model) else Outcome.OTHER_MODEL
