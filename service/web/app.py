"""The complete Flask application: every route, over the same plane as the front."""

import time
from functools import partial

import orjson
from flask import Flask, Response, g, request
from prometheus_client.exposition import choose_encoder
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.routing import BaseConverter

from service.base.errors import (
    BodyTooLarge,
    KerasdError,
    MethodNotAllowed,
    NotFound,
    PathMalformed,
)
from service.base.log import request_id
from service.base.metrics import HTTP_DURATION, scrape_registry
from service.base.names import parse_version
from service.web.answers import JSON, REQUEST_ID, RequestIds, error_body, explain
from service.web.collector import ModelCollector
from service.web.describe import describe_all, describe_model, describe_signature
from service.web.health import live, ready
from service.web.paths import PREDICT_ROUTE, parse_predict_path
from service.web.process import WebProcess

UNKNOWN_ROUTE = "_unknown"
WAIT_STEP_S = 0.01


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
    app.before_request(partial(_begin, process.request_ids))
    app.after_request(_end)
    app.register_error_handler(Exception, _answer_error)
    _add_health(app, process)
    _add_models(app, process)
    return app


def _add_health(app: Flask, process: WebProcess) -> None:
    @app.get("/")
    def root() -> Response:
        return _json({"status": "alive"})

    @app.get("/livez")
    def livez() -> Response:
        status, record = live(process)
        return _json(record, status)

    @app.get("/readyz")
    def readyz() -> Response:
        status, record = ready(process)
        return _json(record, status)

    @app.get("/metrics")
    def metrics() -> Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        collector = ModelCollector(process.reloader.rows, process.pool)
        return Response(encode(scrape_registry(collector)), content_type=content_type)


def _add_models(app: Flask, process: WebProcess) -> None:
    @app.get("/v1/models")
    def models() -> Response:
        return _json(describe_all(process.reloader.rows, process.pool))

    @app.get("/v1/models/<model_name:model>")
    @app.get("/v1/models/<model_name:model>/versions/<version>")
    def status(model: str, version: str = "") -> Response:
        number = _version(version)
        return _json(describe_model(process.reloader.rows, process.pool, model, number))

    @app.get("/v1/models/<model_name:model>/metadata")
    @app.get("/v1/models/<model_name:model>/versions/<version>/metadata")
    def metadata(model: str, version: str = "") -> Response:
        _wait_for(process, model)
        return _json(describe_signature(process.pool, model, _version(version)))

    @app.route("/v1/models/<path:_rest>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def predict(_rest: str) -> Response:
        path = parse_predict_path(request.path)
        if path is None or request.method != "POST":
            raise PathMalformed(request.method, request.path)
        g.route = PREDICT_ROUTE
        body = request.get_data(cache=False)
        _wait_for(process, path.model)
        with process.pool.lease(path.model, path.version) as slot:
            return Response(slot.served.answer(body), content_type=JSON)


def _wait_for(process: WebProcess, model: str) -> None:
    """Wait for a version that is being loaded; the request then meets whatever is there."""
    ticket = process.look_for(model)
    started = time.monotonic()
    while ticket is not None and process.should_wait(model, ticket, time.monotonic() - started):
        time.sleep(WAIT_STEP_S)


def _begin(request_ids: RequestIds) -> None:
    g.started = time.perf_counter()
    request_id.set(request_ids.take(request.headers.get(REQUEST_ID, "")))


def _end(response: Response) -> Response:
    response.headers[REQUEST_ID] = request_id.get()
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


def _version(text: str) -> int | None:
    if not text:
        return None
    number = parse_version(text)
    if number is None:
        raise PathMalformed(request.method, request.path)
    return number


def _json(record: dict[str, object], status: int = 200) -> Response:
    return Response(orjson.dumps(record), status, content_type=JSON)
