"""Feedback in Seldon's shape: the truth of a response, which is found again by its `puid`.

    {"response": {"meta": {"puid": "..."}}, "truth": {"data": {"ndarray": [["cat"]]}}}

The `puid` is the prediction_id; `meta.tags.prediction_id` may say it, too. Where the path names no
model, `meta.tags.model` does. The request isn't needed, and a reward alone says nothing of a truth.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

from service.base.errors import ModelNotFound, RequestInvalid
from service.base.names import MODEL_NAME
from service.base.strict_json import Json
from service.quality.feedback import Claim, split_row
from service.quality.predicted import Kind
from service.quality.receipt import Receipts
from service.web.feedback.sent import check_count

KEYS = frozenset({"request", "response", "truth", "reward", "meta"})
IsOfClasses = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class SeldonFeedback:
    """Which model's, the id of the prediction, and the claims about its rows."""

    model: str
    id: str
    claims: list[Claim]


def read_seldon(record: Json, model: str, is_of_classes: IsOfClasses) -> SeldonFeedback:
    """The feedback; a model in the path comes first. Raises RequestInvalid."""
    strange = record.keys() - KEYS
    if strange:
        raise RequestInvalid(f"the body: unknown keys {ascii(', '.join(sorted(strange)))[:60]}")
    metas = [_object(_object(record.get("response")).get("meta")), _object(record.get("meta"))]
    tags = {key: value for meta in metas for key, value in _object(meta.get("tags")).items()}
    name = _text(model or tags.get("model"), "the model, in the path or in meta.tags.model")
    if not MODEL_NAME.fullmatch(name):
        raise ModelNotFound(name, wording="status")
    puids = [meta.get("puid") for meta in metas if meta.get("puid")]
    wanted = "the prediction_id, in response.meta.puid or in response.meta.tags.prediction_id"
    prediction = _text(tags.get("prediction_id") or next(iter(puids), None), wanted)
    if "truth" not in record:
        raise RequestInvalid("truth: expected one; a reward alone is nothing to score by")
    rows = _rows(_object(_object(record["truth"]).get("data")))
    check_count(len(rows))
    labels = [_label(row, is_of_classes(prediction)) for row in rows]
    if len(labels) == 1:
        return SeldonFeedback(name, prediction, [Claim(prediction, labels[0])])
    claims = [Claim(f"{prediction}/{number}", label) for number, label in enumerate(labels)]
    return SeldonFeedback(name, prediction, claims)


def classes_by(receipts: Receipts) -> IsOfClasses:
    """Tells whether a prediction was one of classes, as far as its id says so."""

    def is_of_classes(text: str) -> bool:
        read = receipts.read(split_row(text)[0])
        prediction = getattr(read, "prediction", None)
        return prediction is not None and prediction.shape.kind is Kind.CLASSES

    return is_of_classes


def _rows(data: Json) -> list[Any]:
    """The truth's rows, one for each of the prediction's."""
    if isinstance(data.get("ndarray"), list):
        return list(data["ndarray"])
    tensor = _object(data.get("tensor"))
    shape, values = tensor.get("shape"), tensor.get("values")
    if not isinstance(values, list) or not isinstance(shape, list):
        raise RequestInvalid("truth: expected data.ndarray, or data.tensor with shape and values")
    if not shape or not all(type(size) is int and size > 0 for size in shape):
        raise RequestInvalid("truth.data.tensor.shape: expected positive whole numbers")
    rows = shape[0]
    if len(shape) > 2 or len(values) != prod(shape):
        raise RequestInvalid(
            f"truth.data.tensor: expected rows of a shape of one or two sizes, got {len(values)}"
            f" values for the shape {shape[:4]}"
        )
    width = len(values) // rows
    return [values[at : at + width] for at in range(0, len(values), width)]


def _label(row: Any, is_of_classes: bool) -> Any:
    """A row of one is what it holds; where there are classes, a 1 among zeros marks one of them."""
    if not isinstance(row, list):
        return row
    if len(row) == 1:
        return row[0]
    is_marked = is_of_classes and row.count(1) == 1 and row.count(0) == len(row) - 1
    return row.index(1) if is_marked else row


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _text(value: Any, wanted: str) -> str:
    if isinstance(value, str) and value:
        return value
    raise RequestInvalid(f"the body: expected {wanted}")
