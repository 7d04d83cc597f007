"""How sure versions were of their rows, and how often they were right when they were so sure."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa

from service.quality.calibration import Reliability
from service.quality.estimate import Confidence
from service.quality.predicted import FULL_SCORE, Kind
from service.quality.reading import LabelledScores
from service.quality.score_bins import BINS, EDGES
from service.quality.score_counts import group
from service.quality.store_readings import EVERYTHING, within
from service.quality.store_tables import feedback, prediction_scores
from service.quality.store_versions import ScoredVersion, ScoredVersions
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

    def scores(
        self, model: str, version: int, span: Span = EVERYTHING, bins: int | None = None
    ) -> LabelledScores | None:
        """The scores of a version's labelled rows, as finely as they are kept or in bins.

        None if nothing is known of the version, or if it doesn't decide between classes. It reads
        the rows of the span.
        """
        with self._engine.connect() as connection:
            known = [one for one in self._known(connection, model).values()
                     if one.version == version and one.shape.kind is Kind.CLASSES]  # fmt: skip
            return _read_scores(connection, known[0], span, bins) if known else None


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


def _read_scores(
    connection: sa.Connection, one: ScoredVersion, span: Span, bins: int | None
) -> LabelledScores:
    score = feedback.c.score
    # The database divides integers: the bin of a step.
    step = score if bins is None else score * bins // (FULL_SCORE + 1)
    is_right = sa.case((feedback.c.true_class == feedback.c.predicted_class, 1), else_=0)
    is_second = sa.case((feedback.c.predicted_class == 1, 1), else_=0)
    query = (
        sa.select(
            step.label("step"),
            is_right.label("is_right"),
            is_second.label("is_second"),
            sa.func.count(),
        )
        .where(
            feedback.c.scored == one.id,
            score.is_not(None),
            *within(feedback.c.predicted_at, span.since, span.until),
        )
        .group_by("step", "is_right", "is_second")
    )
    records: Sequence[Any] = connection.execute(query).all()
    table = np.array([tuple(record) for record in records], np.int64).reshape(-1, 4)
    steps, right, second, rows = table.T
    value = steps / FULL_SCORE if bins is None else (steps + 0.5) / bins
    confidence = group(value, rows * right, rows * (1 - right))
    if one.shape.width != 2:
        return LabelledScores(confidence, None)
    is_true = np.where(right == 1, second, 1 - second)  # whether the second class is the true one
    probability = np.where(second == 1, value, 1 - value)
    return LabelledScores(confidence, group(probability, rows * is_true, rows * (1 - is_true)))
