"""Predictions of which nothing is to be kept: who had how many deleted stands in the audit."""

import logging
import time
from typing import Annotated

from pydantic import Field

from service.base.strict_json import Json
from service.quality.windows import SECOND
from service.repository.audit import AuditEntry
from service.web.admin.bodies import WhyBody
from service.web.admin.permits import order_of
from service.web.feedback.subject import check_known
from service.web.process import WebProcess

logger = logging.getLogger(__name__)

MOST_IDS = 250
ACTION = "forget"

PredictionId = Annotated[str, Field(min_length=1, max_length=220)]


class ForgetBody(WhyBody):
    """Predictions of which nothing is to be kept, whatever row of them an id names."""

    prediction_ids: Annotated[list[PredictionId], Field(min_length=1, max_length=MOST_IDS)]


def forget(process: WebProcess, model: str, body: ForgetBody) -> Json:
    """Delete them, and tell how many; an id that is none of this model's is told with the reason.

    The audit has it first: nothing is ever deleted that it doesn't tell of. The ids aren't in it,
    as they would lead back to the persons.
    """
    now = time.time()
    at = int(now * SECOND)
    check_known(process, model, at)
    process.quality.recorder.flush()  # what still waits there would only be dropped later
    meant = process.quality.intake.identify(model, body.prediction_ids)
    rows = 0
    if meant.ids:
        order = order_of(body.why)
        after = {"predictions": len(meant.ids)}
        entry = AuditEntry(now, model, ACTION, order.who, order.why, order.request_id, {}, after)
        process.reloader.store.note(entry)
        rows = process.quality.store.forget(model, meant.ids, at)
        fields = {"model": model, **after, "rows": rows, "who": order.who}
        logger.info("predictions forgotten", extra=fields)
    refused = [
        {"prediction_id": text, "reason": str(outcome), "text": outcome.explanation}
        for text, outcome in meant.refused.items()
    ]
    return {
        "model": model,
        "forgotten": len(set(body.prediction_ids)) - len(refused),
        "labelled_rows": rows,
        "refused": refused,
    }
