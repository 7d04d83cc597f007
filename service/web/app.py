"""The complete Flask application: every route, over the same plane as the front."""

import time
from functools import partial

from flask import Flask, Response, g, request
from prometheus_client.exposition import choose_encoder
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.routing import BaseConverter

from service.base.errors import KerasdError, NotFound
from service.base.http_errors import BodyTooLarge, MethodNotAllowed
from service.base.log import request_id
from service.base.metrics import HTTP_DURATION, scrape_registry
from service.web import cors, sample
from service.web.answers import JSON, REQUEST_ID, error_body, explain
from service.web.collector import ModelCollector
from service.web.health import live, ready
from service.web.openapi import routes as openapi
from service.web.paths import PredictPath, parse_predict_path
from service.web.process import WebProcess
from service.web.responses import json_response
from service.web.v1 import routes as v1
from service.web.v2 import repository
from service.web.v2 import routes as v2
from service.web.waiting import wait_for

UNKNOWN_ROUTE = "_unknown"
ROOMS = (sample, v1, repository, v2, openapi)


class ModelName(BaseConverter):
    """A model's name in a path: whatever follows a colon is a verb."""

    regex = "[^/:]+"


def create_app(process: WebProcess) -> Flask:
    """The application over one worker's parts."""
    app = Flask("kerasd", static_folder=None)
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
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        collector = ModelCollector(process.reloader.rows, process.pool)
        return Response(encode(scrape_registry(collector)), content_type=content_type)


def _begin(process: WebProcess) -> Response | None:
    """Predictions and preflights are answered before any routing, as the front does."""
    g.started = time.perf_counter()
    request_id.set(process.request_ids.take(request.headers.get(REQUEST_ID, "")))
    if process.settings.cors and request.method == "OPTIONS":
        return cors.preflight(request)
    path = parse_predict_path(request.path) if request.method == "POST" else None
    if path is None:
        return None
    g.route = path.route
    return _predict(process, path)


def _predict(process: WebProcess, path: PredictPath) -> Response:
    headers = {
        name.lower().encode("latin-1"): value.encode("latin-1")
        for name, value in request.headers.items()
    }
    call = process.plane.open(path, headers)
    body = request.get_data(cache=False)
    wait_for(process, path.model, call.deadline)
    reply = process.plane.answer(call, body)
    return Response(reply.content, headers=list(reply.headers), content_type=reply.content_type)


def _end(process: WebProcess, response: Response) -> Response:
    response.headers[REQUEST_ID] = request_id.get()
    if process.settings.cors:
        response.headers.extend(cors.answer_headers())
    route = g.get("route") or _route()
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
    return rule.replace("<model_name:", "{").replace("<", "{").replace(">", "}")


def _answer_error(error: Exception) -> Response:
    """The one handler: ours as they are, Flask's in our words, anything else as internal."""
    if isinstance(error, RequestEntityTooLarge):
        error = BodyTooLarge(request.max_content_length or 0)
    elif isinstance(error, HTTPException) and error.code in (404, 405):
        kind = NotFound(request.path) if error.code == 404 else None
        error = kind or MethodNotAllowed(request.method, request.path)
    elif isinstance(error, HTTPException) and not isinstance(error, KerasdError):
        text = f"{error.name}: {error.description}"
        return Response(error_body(text), error.code or 500, content_type=JSON)
    status, text, headers = explain(error)
    return Response(error_body(text), status, headers, content_type=JSON)
