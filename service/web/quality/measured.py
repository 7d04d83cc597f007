"""What a version's labelled rows of a window come to, as numbers with names."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from service.quality.class_scores import Average, ClassScores
from service.quality.confusion import from_cells
from service.quality.estimate import Confidence, foresee
from service.quality.multilabel import LabelScores, score_labels
from service.quality.predicted import Kind
from service.quality.reading import Reading
from service.quality.regression import score_values
from service.quality.scores import Scores, score

MAX_OCCURRING = 2000  # classes; a matrix has the square of them
POSITIVE = 1

Found = tuple[str, str, float]  # metric, average, value
OfClass = tuple[int, str, float]  # class, metric, value


@dataclass(frozen=True, slots=True)
class Measured:
    """One version in one window; `coverage` is none where nothing was predicted.

    `estimated` is what its accuracy probably is, `gap` how much more than the realised one.
    """

    model: str
    version: int
    rows: int
    coverage: float | None = None
    ratios: tuple[Found, ...] = ()
    classes: tuple[OfClass, ...] = ()
    errors: tuple[tuple[str, float], ...] = ()
    estimated: float | None = None
    gap: float | None = None


def measure(reading: Reading) -> Measured:
    """The numbers of a reading; what its kind of answers doesn't have is left out."""
    coverage = reading.labelled / reading.predicted if reading.predicted else None
    names = (reading.model, reading.version)
    if reading.shape.kind is Kind.VALUES:
        values = score_values(reading.numbers())
        errors = (("mae", values.mae), ("rmse", values.rmse), ("bias", values.bias))
        present = tuple((name, value) for name, value in errors if value is not None)
        return Measured(*names, values.rows, coverage, errors=present)
    if reading.shape.kind is Kind.SETS:
        sets = score_labels(reading.sets())
        return Measured(
            *names, sets.rows, coverage, tuple(_of_sets(sets)), tuple(_of_classes(sets.classes))
        )
    return _of_decisions(reading, coverage)


def expect(measured: Measured, confidence: Confidence) -> Measured:
    """The same with what the version's confidence makes expect, if that can be told."""
    expected = foresee(confidence)
    if expected is None:
        return measured
    realised = next((value for name, _, value in measured.ratios if name == "accuracy"), None)
    return replace(measured, estimated=expected.accuracy, gap=expected.gap(realised))


def _of_decisions(reading: Reading, coverage: float | None) -> Measured:
    """Over the classes that occur, for the others have no scores: a matrix of all may be huge."""
    names = (reading.model, reading.version)
    rows = sum(reading.cells.values())
    occurring = np.unique(np.array(list(reading.cells), np.int64))
    if not rows or len(occurring) > MAX_OCCURRING:
        return Measured(*names, rows, coverage)
    place = {index: at for at, index in enumerate(occurring.tolist())}
    cells = [(place[true], place[said], n) for (true, said), n in reading.cells.items()]
    scores = score(from_cells(cells, len(occurring)))
    positive = place.get(POSITIVE) if reading.classes == 2 else None
    return Measured(
        *names,
        rows,
        coverage,
        tuple(_of_scores(scores, None if positive is None else scores.classes[positive])),
        tuple(_of_classes(scores.classes, occurring.tolist())),
    )


def _of_scores(scores: Scores, positive: ClassScores | None) -> Iterator[Found]:
    whole = {
        "accuracy": scores.accuracy,
        "balanced_accuracy": scores.balanced_accuracy,
        "mcc": scores.mcc,
        "kappa": scores.kappa,
        "no_information_rate": scores.no_information_rate,
        "lift": scores.lift,
    }
    yield from ((name, "", value) for name, value in whole.items() if value is not None)
    yield from _averages(scores)
    if positive is not None:
        yield from _named("positive", positive)


def _of_sets(scores: LabelScores) -> Iterator[Found]:
    whole = {
        "subset_accuracy": scores.subset_accuracy,
        "hamming_loss": scores.hamming_loss,
        "jaccard": scores.jaccard,
    }
    yield from ((name, "", value) for name, value in whole.items() if value is not None)
    yield from _averages(scores)


def _averages(scores: Scores | LabelScores) -> Iterator[Found]:
    yield from _named("macro", scores.macro)
    yield from _named("micro", scores.micro)
    yield from _named("weighted", scores.weighted)


def _named(average: str, found: Average | ClassScores) -> Iterator[Found]:
    three = {"precision": found.precision, "recall": found.recall, "f1": found.f1}
    yield from ((name, average, value) for name, value in three.items() if value is not None)


def _of_classes(
    classes: tuple[ClassScores, ...], occurring: list[int] | None = None
) -> Iterator[OfClass]:
    for one in classes:
        index = one.index if occurring is None else occurring[one.index]
        yield from ((index, name, value) for name, _, value in _named("", one))
