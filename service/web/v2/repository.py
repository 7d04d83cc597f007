"""Repository control of protocol version 2: the index of all versions, load, unload."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from flask import Flask, Response, request

from service.base.errors import JsonInvalid, Overloaded, RequestInvalid, Unsupported
from service.base.http_errors import Forbidden
from service.repository.control import Control
from service.repository.index import IndexEntry, Standing
from service.web.process import WebProcess
from service.web.responses import json_response

FILE_PREFIX = "file:"
MAX_CHANGES = 2

Json = dict[str, Any]


def add_routes(app: Flask, process: WebProcess) -> None:
    """Add them; each call holds a thread until all workers have done what is asked."""
    control = Control(process.reloader.store, process.reloader.look_soon)
    changing = threading.BoundedSemaphore(MAX_CHANGES)

    @contextmanager
    def allowed() -> Iterator[None]:
        """Few at a time, for each holds a thread until all workers have followed."""
        if not process.settings.model_control:
            raise Forbidden("Loading and unloading over HTTP is switched off (model_control)")
        if "Origin" in request.headers:  # any web page could send the browser of an operator here
            raise Forbidden("Web pages may not load or unload models")
        if not changing.acquire(blocking=False):
            raise Overloaded("loading and unloading", MAX_CHANGES)
        try:
            yield
        finally:
            changing.release()

    @app.post("/v2/repository/index")
    def repository_index() -> Response:
        only_ready = _boolean(_body(), "ready")
        entries = control.index()
        return json_response(
            [_entry(e) for e in entries if not only_ready or e.standing is Standing.READY]
        )

    @app.post("/v2/repository/models/<model>/load")
    def repository_load(model: str) -> Response:
        _check_load(_parameters(_body()))
        with allowed():
            control.load(model)
        return json_response({"name": model, "load": True})

    @app.post("/v2/repository/models/<model>/unload")
    def repository_unload(model: str) -> Response:
        _check_unload(_parameters(_body()))
        with allowed():
            control.unload(model)
        return json_response({"name": model, "unload": True})

    @app.post("/v2/repository/<repository>/index")
    @app.post("/v2/repository/<repository>/models/<model>/load")
    @app.post("/v2/repository/<repository>/models/<model>/unload")
    def repository_named(repository: str, model: str = "") -> Response:
        raise Unsupported("'repository_name' specification is not supported")


def _body() -> Json:
    """The request's object; empty where the client sends nothing, as most do."""
    content = request.get_data(cache=False)
    if not content.strip():
        return {}
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise JsonInvalid(error.msg, error.pos) from error
    if not isinstance(body, dict):
        raise RequestInvalid(f"the body: expected an object, got {type(body).__name__}")
    return body


def _parameters(body: Json) -> Json:
    parameters = body.get("parameters")
    if parameters is None:
        return {}
    if not isinstance(parameters, dict):
        raise RequestInvalid(f"parameters: expected an object, got {type(parameters).__name__}")
    return parameters


def _check_load(parameters: Json) -> None:
    for name in parameters:
        if name == "config" or name.startswith(FILE_PREFIX):
            raise RequestInvalid(
                f"parameters: '{name[:100]}' is not supported; a model is loaded from the files "
                "and the model.yaml in the repository"
            )
        raise _unknown(name, "none")


def _check_unload(parameters: Json) -> None:
    """No model depends on another here, so that either answer is the same."""
    _boolean(parameters, "unload_dependents")
    for name in parameters:
        if name != "unload_dependents":
            raise _unknown(name, "unload_dependents")


def _unknown(name: str, expected: str) -> RequestInvalid:
    return RequestInvalid(f"parameters: expected {expected}, got '{name[:100]}'")


def _boolean(record: Json, key: str) -> bool:
    value = record.get(key)
    if value is None:  # as clients write what they don't set
        return False
    if not isinstance(value, bool):
        raise RequestInvalid(f"{key}: expected true or false, got {type(value).__name__}")
    return value


def _entry(entry: IndexEntry) -> Json:
    return {
        "name": entry.model,
        "version": str(entry.version),
        "state": entry.standing.value,
        "reason": entry.reason,
    }
