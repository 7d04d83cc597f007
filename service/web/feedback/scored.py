"""How good each version of a model is in a span of time, as its labels tell."""

from collections.abc import Sequence

import numpy as np

from service.base.strict_json import Json
from service.quality.confusion import from_cells
from service.quality.estimate import Confidence, foresee
from service.quality.multilabel import score_labels
from service.quality.predicted import Kind
from service.quality.reading import Reading
from service.quality.regression import score_values
from service.quality.scores import score

MAX_CONFUSION = 20  # classes of which all pairs are told
MAX_CLASSES = 200  # of which all are told; beyond, those that occur
MAX_OCCURRING = 2000  # a matrix has the square of them


def version_record(
    reading: Reading, labels: Sequence[str], min_support: int, confidence: Confidence | None = None
) -> Json:
    """One version: how many rows have a label, the scores of its kind of answers, and what its
    confidence makes expect.
    """
    record = _record(reading, labels, min_support)
    expected = None if confidence is None else foresee(confidence)
    if expected is not None:
        realised = (record["scores"] or {}).get("accuracy")
        record["estimate"] = {**expected.as_json(), "gap": expected.gap(realised)}
    return record


def _record(reading: Reading, labels: Sequence[str], min_support: int) -> Json:
    kind = reading.shape.kind
    record = {
        "version": reading.version,
        "kind": kind.name.lower(),
        "predicted": reading.predicted,
        "labelled": reading.labelled,
        "coverage": reading.labelled / reading.predicted if reading.predicted else None,
        "scores": None,
        "confusion": None,
        "estimate": None,
    }
    if kind is Kind.VALUES:
        return record | {"scores": score_values(reading.numbers()).as_json()}
    if kind is Kind.SETS:
        found = score_labels(reading.sets(), min_support)
        known = labels if len(labels) >= len(found.classes) else ()
        return record | {"scores": found.as_json(known)}
    return record | _of_classes(reading, labels, min_support)


def _of_classes(reading: Reading, labels: Sequence[str], min_support: int) -> Json:
    indices = _indices(reading)
    if not indices or len(indices) > MAX_OCCURRING:
        return {}
    place = {index: at for at, index in enumerate(indices)}
    cells = [(place[true], place[said], rows) for (true, said), rows in reading.cells.items()]
    matrix = from_cells(cells, len(indices))
    scores = score(matrix, min_support).as_json()
    for one in scores["classes"]:
        one["index"] = indices[one["index"]]
        if one["index"] < len(labels):
            one["label"] = labels[one["index"]]
    scores["missed"] = [indices[at] for at in scores["missed"]]
    scores["positive"] = scores["classes"][1] if reading.classes == 2 else None
    is_small = reading.classes <= MAX_CONFUSION
    return {"scores": scores, "confusion": matrix.tolist() if is_small else None}


def _indices(reading: Reading) -> list[int]:
    """The classes that are told; those without a row change no score."""
    if reading.classes <= MAX_CLASSES:
        return list(range(reading.classes))
    found: list[int] = np.unique(np.array(list(reading.cells), np.int64)).tolist()
    return found
