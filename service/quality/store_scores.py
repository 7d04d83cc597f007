"""How sure versions were of their rows, and how often they were right when they were so sure."""

from collections.abc import Sequence

import numpy as np
import sqlalchemy as sa

from service.quality.calibration import Reliability
from service.quality.estimate import Confidence
from service.quality.predicted import FULL_SCORE
from service.quality.score_bins import BINS, EDGES
from service.quality.store_readings import EVERYTHING
from service.quality.store_tables import prediction_scores
from service.quality.store_versions import ScoredVersions
from service.quality.windows import Span

NAMES = ("predicted", "labelled", "correct", "steps")

Key = tuple[str, int]  # model, version


class ScoreStore(ScoredVersions):
    """The scores of decisions, of rows that have a label and of all."""

    def confidences(
        self, spans: Sequence[Span] = (EVERYTHING,), model: str = ""
    ) -> list[dict[Key, Confidence]]:
        """For each of the spans those of the versions that decide by probabilities.

        They go by the hours that a span touches, and are read in one go.
        """
        cuts = sorted({hour for span in spans for hour in span.touched if hour is not None})
        counts = self._count(cuts, model)
        return [
            {key: _confidence(found, _places(span, cuts)) for key, found in counts.items()}
            for span in spans
        ]

    def _count(self, cuts: Sequence[int], model: str) -> dict[Key, np.ndarray]:
        """Sums by version: by the interval between two cuts, by name, by bin."""
        table = prediction_scores
        place: sa.ColumnElement[int] = sa.literal(0)
        if cuts:
            intervals = ((table.c.hour < cut, at) for at, cut in enumerate(cuts))
            place = sa.case(*intervals, else_=len(cuts))
        sums = [sa.func.sum(table.c[name]) for name in NAMES]
        with self._engine.connect() as connection:
            known = self._known(connection, model)
            query = (
                sa.select(table.c.scored, place.label("place"), table.c.bin, *sums)
                .where(table.c.scored.in_(list(known)))
                .group_by(table.c.scored, "place", table.c.bin)
            )
            found: dict[Key, np.ndarray] = {}
            for scored, at, bin_, *values in connection.execute(query):
                key = (known[scored].model, known[scored].version)
                shape = (len(cuts) + 1, len(NAMES), BINS)
                counts = found.setdefault(key, np.zeros(shape, np.int64))
                counts[at, :, bin_] = values
        return found


def _places(span: Span, cuts: Sequence[int]) -> tuple[int, int]:
    """The first interval between the cuts that is inside of a span, and the first one after it."""
    first, last = span.touched
    return (
        0 if first is None else cuts.index(first) + 1,
        len(cuts) + 1 if last is None else cuts.index(last) + 1,
    )


def _confidence(counts: np.ndarray, places: tuple[int, int]) -> Confidence:
    """From sums by interval, name and bin; what was labelled before it was counted leaves less
    than 0 when it is taken out.
    """
    before, until = places
    known = np.maximum(counts, 0)
    return Confidence(
        known[before:until, 0].sum(axis=0),
        _reliability(known[:before].sum(axis=0)),
        _reliability(known.sum(axis=0)),
    )


def _reliability(counts: np.ndarray) -> Reliability:
    _, labelled, correct, steps = counts
    return Reliability(np.array(EDGES), labelled, correct, steps / FULL_SCORE)
