"""Repository control of protocol version 2: the index of all versions, load, unload."""

import orjson
from flask import Flask, Response, request

from service.base.errors import JsonInvalid, RequestInvalid, Unsupported
from service.base.strict_json import Json
from service.repository.index import IndexEntry, Standing
from service.web.admin.loading import control
from service.web.admin.permits import order_of
from service.web.process import WebProcess
from service.web.responses import json_response

FILE_PREFIX = "file:"


def add_routes(app: Flask, process: WebProcess) -> None:
    """Add them; each call holds a thread until all workers have done what is asked."""

    @app.post("/v2/repository/index")
    def repository_index() -> Response:
        only_ready = _boolean(_body(), "ready")
        entries = control(process).index()
        return json_response(
            [_entry(e) for e in entries if not only_ready or e.standing is Standing.READY]
        )

    @app.post("/v2/repository/models/<model>/load")
    def repository_load(model: str) -> Response:
        _check_load(_parameters(_body()))
        with process.permits.one():
            control(process).load(model, order_of())
        return json_response({"name": model, "load": True})

    @app.post("/v2/repository/models/<model>/unload")
    def repository_unload(model: str) -> Response:
        _check_unload(_parameters(_body()))
        with process.permits.one():
            control(process).unload(model, order_of())
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
