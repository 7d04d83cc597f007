"""What the labelled rows of one transaction change: each row's outcome, and what is added where.

The database says what was there before; everything else is decided here, without I/O.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from service.quality.feedback import Labelled
from service.quality.outcomes import Outcome
from service.quality.predicted import Answer, Prediction, Shape
from service.quality.score_bins import bin_of_step
from service.quality.sums import cells_of
from service.quality.windows import hour_of

RowKey = tuple[int, int, bytes, int]  # version, time of the prediction, its id, row
Cell = tuple[int, int]
MINUTE, HOUR, DAY = 60, 3600, 86400
# Upper bounds in seconds; the bucket after the last one has none.
DELAY_BOUNDS_S = (
    MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, 12 * HOUR,
    DAY, 3 * DAY, 7 * DAY, 14 * DAY, 30 * DAY,
)  # fmt: skip


@dataclass(slots=True)
class Said:
    """All that a request says of one row, in its order, and at which places of the request."""

    prediction: Prediction
    row: int
    predicted: Answer
    score: int | None
    truths: list[Answer] = field(default_factory=list)
    places: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Pairs:
    """True and predicted bytes of rows that aren't classes."""

    shape: Shape
    truths: list[bytes] = field(default_factory=list)
    predicted: list[bytes] = field(default_factory=list)

    def add(self, truth: Answer, predicted: Answer) -> None:
        """One row more; those of classes aren't kept here."""
        if isinstance(truth, bytes) and isinstance(predicted, bytes):
            self.truths.append(truth)
            self.predicted.append(predicted)


@dataclass(slots=True)
class Delays:
    """How many labels came, and after how many seconds in all."""

    rows: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class ScoreSums:
    """How many more rows of a bin have a label and are right, and the steps of their scores."""

    labelled: int = 0
    correct: int = 0
    steps: int = 0

    @property
    def is_any(self) -> bool:
        """Whether anything changes."""
        return bool(self.labelled or self.correct or self.steps)


def gather(rows: Sequence[Labelled]) -> dict[RowKey, Said]:
    """What is said, by row."""
    said: dict[RowKey, Said] = {}
    for place, one in enumerate(rows):
        prediction = one.prediction
        key = (prediction.version, prediction.at, prediction.id, one.row)
        entry = said.get(key)
        if entry is None:
            entry = said[key] = Said(prediction, one.row, one.predicted, one.score)
        entry.truths.append(one.truth)
        entry.places.append(place)
    return said


class Ledger:
    """The changes of one transaction; numbers by the database's id of a version, then by key."""

    def __init__(self, at: int) -> None:
        self._at = at
        self.outcomes: dict[int, Outcome] = {}
        self.firsts: Counter[tuple[int, Cell]] = Counter()
        self.cells: Counter[tuple[int, int, Cell]] = Counter()
        self.labelled: Counter[tuple[int, int]] = Counter()
        self.corrections: Counter[int] = Counter()
        self.scores: defaultdict[tuple[int, int, int], ScoreSums] = defaultdict(ScoreSums)
        self.delays: defaultdict[tuple[int, int], Delays] = defaultdict(Delays)
        self.first_pairs: dict[int, Pairs] = {}
        self.pairs: dict[tuple[int, int], Pairs] = {}
        self.stale: dict[tuple[int, int], Shape] = {}

    def enter(self, scored: int, said: Said, before: Answer | None) -> None:
        """A row whose label was `before`, and is the last that is said of it from now on."""
        latest = before
        for truth, place in zip(said.truths, said.places, strict=True):
            if latest is None:
                self.outcomes[place] = Outcome.ACCEPTED
            else:
                same = truth == latest
                self.outcomes[place] = Outcome.DUPLICATE if same else Outcome.CORRECTED
                self.corrections[scored] += not same
            latest = truth
        if before is None:
            self._accept(scored, said)
        elif before != said.truths[-1]:
            self._correct(scored, said, before)

    def refuse(self, said: Said, outcome: Outcome) -> None:
        """A row of which nothing is kept."""
        self.outcomes.update(dict.fromkeys(said.places, outcome))

    def remove(self, scored: int, said: Said) -> None:
        """A row that is no longer there; its label was the first of `said`."""
        hour = hour_of(said.prediction.at)
        self.labelled[scored, hour] -= 1
        self._count(scored, said, said.truths[0], -1)
        if isinstance(said.predicted, bytes):
            self.stale[scored, hour] = said.prediction.shape

    def in_order(self, rows: int) -> list[Outcome]:
        """The outcomes, as the rows came."""
        return [self.outcomes[place] for place in range(rows)]

    def _accept(self, scored: int, said: Said) -> None:
        prediction, hour = said.prediction, hour_of(said.prediction.at)
        for cell in cells_of(prediction.shape, said.truths[0], said.predicted):
            self.firsts[scored, cell] += 1
        self._count(scored, said, said.truths[-1], 1)
        self.labelled[scored, hour] += 1
        seconds = max(0, self._at - prediction.at) / 1000
        delay = self.delays[scored, bisect_left(DELAY_BOUNDS_S, seconds)]
        delay.rows += 1
        delay.seconds += seconds
        if isinstance(said.predicted, bytes):
            shape = prediction.shape
            self.first_pairs.setdefault(scored, Pairs(shape)).add(said.truths[0], said.predicted)
            self.pairs.setdefault((scored, hour), Pairs(shape)).add(said.truths[-1], said.predicted)

    def _correct(self, scored: int, said: Said, before: Answer) -> None:
        self._count(scored, said, before, -1)
        self._count(scored, said, said.truths[-1], 1)
        if isinstance(said.predicted, bytes):
            self.stale[scored, hour_of(said.prediction.at)] = said.prediction.shape

    def _count(self, scored: int, said: Said, truth: Answer, rows: int) -> None:
        hour = hour_of(said.prediction.at)
        for cell in cells_of(said.prediction.shape, truth, said.predicted):
            self.cells[scored, hour, cell] += rows
        if said.score is not None:
            sums = self.scores[scored, hour, bin_of_step(said.score)]
            sums.labelled += rows
            sums.correct += rows * (truth == said.predicted)
            sums.steps += rows * said.score
