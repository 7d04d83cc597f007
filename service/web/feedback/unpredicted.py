"""Labelled instances that were never predicted: the current version answers them first."""

from typing import Any

import orjson
from flask import g, request

from service.base.errors import DatabaseAway
from service.base.http_errors import Conflict
from service.web.paths import PredictPath
from service.web.process import WebProcess
from service.web.served import PREDICTION_HEADER
from service.web.waiting import wait_for


def predict(process: WebProcess, model: str, instances: list[Any]) -> list[str]:
    """The id of each instance's prediction, which may be joined with a label at once.

    It is a prediction like any other, and counts as one. Raises what predictions raise, and
    Conflict where answers have no receipts.
    """
    if not instances:
        return []
    path = PredictPath(model, None, "predict")
    headers = {
        name.lower().encode("latin-1"): value.encode("latin-1")
        for name, value in request.headers.items()
        if name.lower() not in ("content-encoding", "x-request-id")
    }
    call = process.plane.open(path, headers)
    call.span = g.span
    call.is_labelled = True
    wait_for(process, path.model, path.version, path.label, call.deadline)
    reply = process.plane.answer(call, orjson.dumps({"instances": instances}))
    receipt = dict(reply.headers).get(PREDICTION_HEADER, "")
    if not receipt and process.settings.receipts:
        raise DatabaseAway  # the keys of receipts have not been read yet
    if not receipt:
        raise Conflict("Answers have no prediction_id here: the setting receipts is off")
    process.quality.recorder.flush()  # what isn't inside of the receipt is looked up next
    return [f"{receipt}/{number}" for number in range(len(instances))]
