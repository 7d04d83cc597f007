"""Routes of feedback: true labels are taken, predictions are forgotten, quality is told."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, Response, request

from service.base.errors import Overloaded, RequestInvalid
from service.base.strict_json import Json
from service.quality.feedback import Claim
from service.quality.outcomes import Outcome
from service.quality.windows import SECOND, WINDOWS, window
from service.web.admin import query
from service.web.admin.bodies import read_body
from service.web.admin.swaps import MODEL
from service.web.feedback import forgetting
from service.web.feedback.answer import feedback_record
from service.web.feedback.forgetting import ForgetBody
from service.web.feedback.scored import version_record
from service.web.feedback.seldon import classes_by, read_seldon
from service.web.feedback.sent import Sent, Unpredicted, form_of, read, read_object
from service.web.feedback.subject import check_known, terms_of
from service.web.feedback.unpredicted import predict
from service.web.inflate import inflate
from service.web.process import WebProcess
from service.web.responses import json_response

SELDON = "/api/v1.0/feedback"
AT_ONCE = 4  # each waits for the database, in a thread that others need
MOST_SUPPORT = 1_000_000


class Room:
    """One worker's, for the requests that write feedback: who finds none is told so at once."""

    def __init__(self) -> None:
        self._free = threading.BoundedSemaphore(AT_ONCE)

    @contextmanager
    def one(self) -> Iterator[None]:
        """Room for one. Raises Overloaded."""
        if not self._free.acquire(blocking=False):
            raise Overloaded("feedback", AT_ONCE)
        try:
            yield
        finally:
            self._free.release()


def add_routes(app: Flask, process: WebProcess) -> None:
    """Add them to the application."""
    room = Room()

    @app.post(f"{MODEL}:feedback")
    def feedback(model: str) -> Response:
        with room.one():
            return json_response(_take(process, model))

    @app.post(SELDON, defaults={"model": ""})
    @app.post(f"/seldon/<model_name:namespace>/<model_name:model>{SELDON}")
    def seldon_feedback(model: str, namespace: str = "") -> Response:
        with room.one():
            return json_response(_take_seldon(process, model))

    @app.post(f"{MODEL}:forget")
    def forget(model: str) -> Response:
        with room.one():
            return json_response(forgetting.forget(process, model, read_body(ForgetBody)))

    @app.get(f"{MODEL}/quality")
    def quality(model: str) -> Response:
        return json_response(_quality(process, model))


def _take(process: WebProcess, model: str) -> Json:
    terms = terms_of(process, model, _now())
    sent = read(_body(process), form_of(request.content_type or ""))
    if isinstance(sent, Unpredicted):
        ids = predict(process, model, sent.instances)
        sent = Sent(list(map(Claim, ids, sent.labels)))
    # Anew: what was predicted just now isn't older than the oldest.
    outcomes = process.quality.intake.take(terms, sent.claims, _now())
    return feedback_record(model, outcomes, sent.faults)


def _take_seldon(process: WebProcess, model: str) -> Json:
    is_of_classes = classes_by(process.quality.receipts)
    given = read_seldon(read_object(_body(process)), model, is_of_classes)
    now = _now()
    terms = terms_of(process, given.model, now)
    outcomes = process.quality.intake.take(terms, given.claims, now)
    return {"meta": {"puid": given.id}, **feedback_record(given.model, outcomes, {})}


def _quality(process: WebProcess, model: str) -> Json:
    query.only("window", "min_support")
    name = request.args.get("window", "all")
    if name not in WINDOWS:
        raise RequestInvalid(f"window: expected {', '.join(WINDOWS)}, got {name[:40]!a}")
    min_support = query.number("min_support", 1, MOST_SUPPORT)
    now = _now()
    check_known(process, model, now)
    store = process.quality.store
    rows = process.reloader.store.rows(model)
    labels = {row.version: row.config.labels for row in rows}
    span = window(name, now)
    (confidences,) = store.confidences((span,), model)
    outcomes = {o: n for (of, o), n in store.counters().outcomes.items() if of == model}
    return {
        "model": model,
        "window": name,
        "versions": [
            version_record(
                one,
                labels.get(one.version, ()),
                min_support,
                confidences.get((model, one.version)),
            )
            for one in store.readings(span, model)
        ],
        "outcomes": {str(outcome): outcomes.get(outcome, 0) for outcome in Outcome},
    }


def _body(process: WebProcess) -> bytes:
    encoding = request.headers.get("Content-Encoding", "").encode("latin-1")
    content = request.get_data(cache=False)
    return inflate(content, encoding, process.settings.max_body_bytes)


def _now() -> int:
    return int(time.time() * SECOND)
