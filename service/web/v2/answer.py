"""Tensors to the answer of an inference request: JSON, and raw bytes behind it where asked for."""

from typing import Any

import numpy as np
import orjson

from service.base.errors import AnswerInvalid, RequestInvalid
from service.base.signature import Tensors
from service.repository.decisions import Decisions
from service.web.exchange import PREDICTION_ID, Reply
from service.web.numbers_as_words import write_with_words
from service.web.v2.binary import write_tensor
from service.web.v2.classification import classify
from service.web.v2.datatypes import datatype_of
from service.web.v2.decided import decision_array
from service.web.v2.known import Known
from service.web.v2.request import Form, Wanted

OCTETS = "application/octet-stream"
HEADER_NAME = "Inference-Header-Content-Length"


def write_reply(
    form: Form, known: Known, outputs: Tensors, decided: Decisions | None, prediction_id: str
) -> Reply:
    """The whole answer. Raises RequestInvalid where an output can't be written as was asked."""
    record: dict[str, Any] = {"id": form.id} if form.id else {}
    described: list[dict[str, Any]] = []
    record["model_name"] = known.model
    record["model_version"] = known.version
    if prediction_id:
        record["parameters"] = {PREDICTION_ID: prediction_id}
    record["outputs"] = described
    blobs: list[Any] = [b""]
    size = 0
    for wanted in form.outputs:
        array = _values(wanted, known, outputs, decided)
        output: dict[str, Any] = {"name": wanted.name, "datatype": datatype_of(array)}
        output["shape"] = array.shape
        if wanted.is_binary:
            blob, length = write_tensor(array)
            blobs.append(blob)
            size += length
            output["parameters"] = {"binary_data_size": length}
        else:
            output["data"] = _as_json(array, wanted.name, known.facts.config.allow_non_finite)
        described.append(output)
    header = orjson.dumps(record, option=orjson.OPT_SERIALIZE_NUMPY)
    if size == 0:
        return Reply(header)
    blobs[0] = header
    return Reply(b"".join(blobs), OCTETS, ((HEADER_NAME, str(len(header))),))


def _values(
    wanted: Wanted, known: Known, outputs: Tensors, decided: Decisions | None
) -> np.ndarray:
    labels = known.facts.config.labels
    role = known.decisions.get(wanted.name)
    if role is None:
        array = outputs.get(wanted.name)
    else:
        array = None if decided is None else decision_array(role, decided, labels)
    if array is None:
        raise AnswerInvalid(wanted.name, "is missing")
    if wanted.classes:
        is_first = wanted.name == known.facts.signature.outputs[0].name
        array = classify(array, wanted.classes, labels if is_first else ())
    if datatype_of(array) is None:
        raise AnswerInvalid(wanted.name, f"is {array.dtype}, which the protocol has no name for")
    return array


def _as_json(array: np.ndarray, name: str, allow_non_finite: bool) -> Any:
    """The elements in one list, as orjson takes them."""
    if array.dtype.kind in "OSU":
        return [_as_text(item, name) for item in array.ravel().tolist()]
    flat = np.ascontiguousarray(array).reshape(-1)
    if allow_non_finite and flat.dtype.kind == "f" and not np.isfinite(flat).all():
        return orjson.Fragment(write_with_words(flat))
    return flat


def _as_text(item: Any, name: str) -> str:
    if not isinstance(item, bytes):
        return str(item)
    try:
        return item.decode()
    except UnicodeDecodeError:
        raise RequestInvalid(
            f"output '{name}' is no UTF-8 text; ask for it with the parameter binary_data"
        ) from None
