"""The routes that ask for jobs and end them: retrain, evaluate, batch-predict, cancel."""

import hashlib
import time
from collections.abc import Callable

import orjson
from flask import Flask, Response, g, request
from pydantic import BaseModel

from service.base.errors import RequestInvalid
from service.base.http_errors import Forbidden
from service.base.strict_json import Json
from service.jobs.job import JobOrder, Kind
from service.jobs.record import brief_record
from service.recipe.batch import BatchPredictRequest
from service.recipe.class_weights import unfit_weights
from service.recipe.evaluation import EvaluateRequest
from service.recipe.gate import unfit
from service.recipe.retrain import RetrainRequest
from service.recipe.retraining import with_defaults
from service.repository.audit import check_why
from service.repository.new_head import why_not_learned, why_not_served
from service.repository.policy import config_of
from service.web.admin.bodies import read_object, validated
from service.web.admin.permits import order_of
from service.web.admin.query import only
from service.web.admin.swaps import MODEL, VERSION, number_of
from service.web.jobs.batch_check import check_batch
from service.web.jobs.data_check import DataChecks
from service.web.jobs.job_record import job_record
from service.web.jobs.noting import write_down
from service.web.jobs.rights import check_rights
from service.web.jobs.subject import Subject, find_subject, rows_of
from service.web.jobs.watching import JOB, seen_job
from service.web.process import WebProcess
from service.web.responses import json_response

MAX_KEY = 255
TRIGGERS = ("api", "cli")


def add_routes(app: Flask, process: WebProcess) -> None:
    """Add them to the application."""
    checks = DataChecks(process.settings, process.quality.store)

    @app.post(f"{MODEL}:retrain")
    def retrain(model: str) -> Response:
        return _retrain(process, checks, model)

    @app.post(f"{MODEL}:evaluate")
    def evaluate(model: str) -> Response:
        return _evaluate(process, checks, model, None)

    @app.post(f"{VERSION}:evaluate")
    def evaluate_version(model: str, version: str) -> Response:
        return _evaluate(process, checks, model, number_of(model, version))

    @app.post(f"{MODEL}:batch-predict")
    def batch_predict(model: str) -> Response:
        return _batch_predict(process, model)

    @app.post(f"{JOB}:cancel")
    def cancel(job: str) -> Response:
        return _cancel(process, job)


def _retrain(process: WebProcess, checks: DataChecks, model: str) -> Response:
    if not process.settings.model_control:
        raise Forbidden("Changing models over HTTP is switched off (model_control)")
    rows = rows_of(process, model)
    body = read_object()
    asked = validated(RetrainRequest, with_defaults(body, config_of(rows).retrain))
    check_rights(g.caller, asked, config_of(rows).retrain)
    order = order_job(Kind.RETRAIN, model, asked, body, asked.priority)

    def check() -> Json:
        subject = find_subject(process, rows, asked.init.version, asked.init.replace_head)
        why = _why_not(asked, subject)
        if why:
            raise RequestInvalid(why)
        checks.use(order)
        if asked.init.weights_file:
            checks.check_file(model, asked.init.weights_file)
        return checks.check(asked.data, subject, asked.gate.min_rows)

    return submit_job(process, order, check)


def _why_not(asked: RetrainRequest, subject: Subject) -> str:
    """Why the model can't be trained so, as far as its rows don't matter; empty if it can."""
    head, form, names = asked.init.replace_head, subject.form, subject.class_names
    why = unfit(asked.gate, form, names)
    if head is None:
        return why or unfit_weights(asked.class_weight, form, names)
    if not why and asked.data.from_feedback is not None:
        why = why_not_learned(head, subject.config)
    if not why and asked.promote != "never":
        why = why_not_served(head, subject.config)
    return why


def _evaluate(process: WebProcess, checks: DataChecks, model: str, version: int | None) -> Response:
    rows, body = rows_of(process, model), read_object()
    if version is not None:
        if body.get("versions") not in (None, [], [version]):
            raise RequestInvalid("versions: the path names a version; name others without it")
        body["versions"] = [version]
    asked = validated(EvaluateRequest, body)
    order = order_job(Kind.EVALUATE, model, asked, body)

    def check() -> Json:
        subjects = [
            find_subject(process, rows, number, None) for number in asked.versions or (None,)
        ]
        checks.use(order)
        return checks.check(asked.data, subjects[0])

    return submit_job(process, order, check)


def _batch_predict(process: WebProcess, model: str) -> Response:
    rows, body = rows_of(process, model), read_object()
    asked = validated(BatchPredictRequest, body)
    order = order_job(Kind.BATCH_PREDICT, model, asked, body)
    return submit_job(process, order, lambda: check_batch(process, rows, asked))


def order_job(kind: Kind, model: str, asked: BaseModel, sent: Json, priority: int = 0) -> JobOrder:
    """The job as the caller asks for it, out of what was sent and the defaults of the model."""
    only("why", "trigger")
    trigger = request.args.get("trigger", TRIGGERS[0])
    if trigger not in TRIGGERS:
        raise RequestInvalid(f"trigger: expected {', '.join(TRIGGERS)}, got {trigger[:40]!a}")
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > MAX_KEY:
        raise RequestInvalid(f"Idempotency-Key: expected at most {MAX_KEY} characters")
    return JobOrder(
        kind=kind,
        model=model,
        request=_storable(asked),
        by=g.caller.name,
        trigger=trigger,
        priority=priority,
        key=_digest(g.caller.name, key) if key else "",
        sent=sent,
    )


def _digest(caller: str, key: str) -> str:
    """A caller's key is its own: nobody gets another one's job by guessing."""
    return hashlib.sha256(f"{caller}\0{key}".encode()).hexdigest()


def _storable(asked: BaseModel) -> Json:
    """The request as the table keeps it. Raises RequestInvalid for numbers that JSON can't have."""
    record = asked.model_dump(mode="json", by_alias=True)
    try:
        orjson.dumps(record)
    except TypeError as error:
        raise RequestInvalid(f"the body: {error}") from error
    return record


def submit_job(process: WebProcess, order: JobOrder, check: Callable[[], Json]) -> Response:
    """202 with the new job, 200 with the one that the key has begun before."""
    audited = order_of(check_why(request.args.get("why", "")))
    job, facts = process.jobs.asked_before(order), None
    status = 200
    if job is None:
        facts = check()
        job = process.jobs.submit(order, time.time())
        status = 202
        write_down(process, job.model, job.kind.value, audited, {"job": job.id})
    record = job_record(job, ())
    response = json_response(record if facts is None else {**record, "data": facts}, status)
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return response


def _cancel(process: WebProcess, job: str) -> Response:
    found = seen_job(process, job)
    only("why")
    audited = order_of(check_why(request.args.get("why", "")))
    if request.get_data(cache=False):
        raise RequestInvalid("the body: expected none; why stands in the query")
    if not found.is_ended and not found.is_cancel_asked:
        found = process.jobs.ask_cancel(found.id, time.time())
        write_down(process, found.model, "cancel", audited, {"job": found.id})
    return json_response(brief_record(found))
