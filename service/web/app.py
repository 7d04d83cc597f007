"""The complete Flask application: every route, over the same plane as the front."""

import logging
import re
import time
from functools import partial

from flask import Flask, Response, g, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.routing import BaseConverter

from service.base.database_errors import database_words
from service.base.errors import DatabaseAway, NotFound
from service.base.http_errors import BodyTooLarge, MethodNotAllowed
from service.base.log import caller as log_caller
from service.base.log import request_id
from service.base.metrics import HTTP_DURATION
from service.web import cors, sample
from service.web.access.access import SCOPE_KEY
from service.web.access.caller import Caller
from service.web.access.needs import may_pages_read
from service.web.access.origin import FORWARDED
from service.web.access.secret import one_by_name
from service.web.admin import loading, reading, swaps
from service.web.answers import JSON, REQUEST_ID, error_body, explain
from service.web.feedback import routes as feedback
from service.web.health import live, ready
from service.web.jobs import routes as jobs
from service.web.openapi import routes as openapi
from service.web.paths import PredictPath, parse_predict_path
from service.web.process import WebProcess
from service.web.responses import json_response
from service.web.rule import MatchingRule
from service.web.scrape import Scrapes
from service.web.security_headers import security_headers
from service.web.spans import RequestSpan, begin_span, end_span
from service.web.upload import routes as upload
from service.web.v1 import routes as v1
from service.web.v2 import repository
from service.web.v2 import routes as v2
from service.web.waiting import wait_for

logger = logging.getLogger(__name__)

UNKNOWN_ROUTE = "_unknown"
CONVERTER = re.compile(r"<(\w+:)?")
ROOMS = (sample, swaps, loading, reading, upload, feedback, jobs, v1, repository, v2, openapi)


class ModelName(BaseConverter):
    """A model's name in a path: whatever follows a colon is a verb.

    Nothing has a name with control characters, which not every database takes in a question.
    """

    regex = r"[^/:\x00-\x1f\x7f]+"


def create_app(process: WebProcess) -> Flask:
    """The application over one worker's parts."""
    app = Flask("kerasd", static_folder=None)
    app.url_rule_class = MatchingRule
    app.config["MAX_CONTENT_LENGTH"] = process.settings.max_body_bytes
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.url_map.converters["model_name"] = ModelName
    app.before_request(partial(_begin, process))
    app.after_request(partial(_end, process))
    app.register_error_handler(Exception, _answer_error)
    _add_health(app, process)
    for room in ROOMS:
        room.add_routes(app, process)
    return app


def _add_health(app: Flask, process: WebProcess) -> None:
    scrapes = Scrapes(process)

    @app.get("/")
    def root() -> Response:
        return json_response({"status": "alive"})

    @app.get("/livez")
    def livez() -> Response:
        status, record = live(process)
        return json_response(record, status)

    @app.get("/readyz")
    def readyz() -> Response:
        status, record = ready(process)
        return json_response(record, status)

    @app.get("/metrics")
    @app.get("/monitoring/prometheus/metrics")  # where TensorFlow Serving has them
    def metrics() -> Response:
        content, content_type = scrapes.take(request.headers.get("Accept", ""))
        return Response(content, content_type=content_type)


def _begin(process: WebProcess) -> Response | None:
    """Predictions and preflights are answered here, whatever route Flask has found for them."""
    g.started = time.perf_counter()
    request_id.set(process.request_ids.take(request.headers.get(REQUEST_ID, "")))
    path = parse_predict_path(request.path) if request.method == "POST" else None
    g.route = _route() if path is None else path.route
    g.span = _begin_span(process)
    if process.settings.cors and request.method == "OPTIONS":
        return cors.preflight(request)
    g.caller = _caller(process)
    return None if path is None else _predict(process, path)


def _begin_span(process: WebProcess) -> RequestSpan | None:
    headers = {
        name.encode(): request.headers[name].encode("latin-1")
        for name in ("traceparent", "tracestate", "host")
        if name in request.headers
    }
    route = "" if g.route == UNKNOWN_ROUTE else g.route
    return begin_span(process.tracer, request.method, route, request.path, headers)


def _caller(process: WebProcess) -> Caller:
    """Who asks, as the front may have found out already. Raises what `Access.check` raises."""
    scope = request.environ.get("asgi.scope", {})
    known = scope.get(SCOPE_KEY)
    if isinstance(known, Caller):
        log_caller.set("" if process.access.is_open else known.name)
        return known
    if "headers" in scope:  # by their own names: in WSGI, X_API_Key would be X-API-Key
        given = one_by_name(scope["headers"])
        return process.access.check(request.method, request.path, given)
    given = {
        name.lower().encode(): request.headers[name].encode("latin-1")
        for name in ("Authorization", "X-API-Key", "Origin", "Host", *FORWARDED)
        if name in request.headers
    }
    return process.access.check(request.method, request.path, given)


def _predict(process: WebProcess, path: PredictPath) -> Response:
    headers = {
        name.lower().encode("latin-1"): value.encode("latin-1")
        for name, value in request.headers.items()
    }
    call = process.plane.open(path, headers)
    call.span = g.span
    body = request.get_data(cache=False)
    wait_for(process, path.model, path.version, path.label, call.deadline)
    reply = process.plane.answer(call, body)
    return Response(reply.content, headers=list(reply.headers), content_type=reply.content_type)


def _end(process: WebProcess, response: Response) -> Response:
    response.headers[REQUEST_ID] = request_id.get()
    for name, value in security_headers(request.path):
        response.headers.setdefault(name, value)
    if process.settings.cors and may_pages_read(request.method, request.path):
        response.headers.extend(cors.answer_headers(process.access.is_open))
    route = g.route
    end_span(g.span, response.status_code, "" if route == UNKNOWN_ROUTE else route)
    method = "_other" if route == UNKNOWN_ROUTE else request.method
    HTTP_DURATION.labels(method, route, str(response.status_code)).observe(
        time.perf_counter() - g.started
    )
    return response


def _route() -> str:
    """The matched rule in the form `/v1/models/{model}`: a label from a small closed set."""
    rule = request.url_rule.rule if request.url_rule else ""
    if not rule or "<path:" in rule:
        return UNKNOWN_ROUTE
    return CONVERTER.sub("{", rule).replace(">", "}")


def _answer_error(error: Exception) -> Response:
    """The one handler: ours as they are, Flask's in our words, anything else as internal."""
    if isinstance(error, RequestEntityTooLarge):
        error = BodyTooLarge(request.max_content_length or 0)
    elif isinstance(error, SQLAlchemyError):  # away, read-only, without our tables, too busy
        logger.warning("the database is not usable", extra={"why": database_words(error)})
        error = DatabaseAway()
    elif isinstance(error, HTTPException) and error.code in (404, 405):
        kind = NotFound(request.path) if error.code == 404 else None
        error = kind or MethodNotAllowed(request.method, request.path)
    elif isinstance(error, HTTPException):
        text = f"{error.name}: {error.description}"
        return Response(error_body(text), error.code or 500, content_type=JSON)
    status, text, headers = explain(error)
    return Response(error_body(text), status, headers, content_type=JSON)
