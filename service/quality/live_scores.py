"""What the labels of live predictions of a version come to, under the names that rules use."""

from dataclasses import dataclass

from service.quality.evaluation import MAX_CLASSES, flat_metrics
from service.quality.multilabel import score_labels
from service.quality.predicted import Kind
from service.quality.reading import Reading
from service.quality.regression import score_values
from service.quality.scores import score

FORMS = {Kind.CLASSES: "classes", Kind.SETS: "sets", Kind.VALUES: "values"}


@dataclass(frozen=True, slots=True)
class LiveScores:
    """The labelled rows of a version, by `form` of its answers; `right` of them were right.

    There is no `right` for numbers.
    """

    version: int
    form: str
    rows: int
    right: int | None
    metrics: dict[str, float]


def live_scores(reading: Reading) -> LiveScores | None:
    """The scores of a reading; none where no label can be compared, or there are too many classes.

    What needs the scores of each row, such as an area under a curve, isn't among them.
    """
    kind = reading.shape.kind
    if kind is Kind.VALUES:
        values = score_values(reading.numbers())
        return LiveScores(
            reading.version, FORMS[kind], values.rows, None, flat_metrics(values.as_json())
        )
    if kind is Kind.SETS:
        counts = reading.sets()
        found = flat_metrics(score_labels(counts).as_json())
        return LiveScores(reading.version, FORMS[kind], counts.rows, counts.exact_rows, found)
    if kind is not Kind.CLASSES or reading.classes > MAX_CLASSES:
        return None
    scores = score(reading.matrix())
    return LiveScores(
        reading.version, FORMS[kind], scores.rows, scores.right, flat_metrics(scores.as_json())
    )
