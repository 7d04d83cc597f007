"""The routes of version 1 that aren't predictions: models, status, metadata, and what is malformed.

Paths don't mind the case, as TensorFlow Serving's don't, so one pattern reads them all.
"""

import re
import time

import orjson
import sqlalchemy.exc
from flask import Flask, Response, g, request

from service.base.errors import (
    KerasdError,
    ModelNotFound,
    ModelNotReady,
    PathMalformed,
    RequestInvalid,
)
from service.web.answers import JSON
from service.web.model_view import take_view
from service.web.process import WebProcess
from service.web.v1.describe import (
    ModelOrVersion,
    describe_all,
    describe_fully,
    describe_model,
    describe_signature,
    is_ready,
)
from service.web.waiting import wait_for

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
GET_PATH = re.compile(
    r"/v1/models"
    r"(?:/(?P<model>(?!(?:versions|labels)/)[^/:]+))?"
    r"(?:/versions/(?P<version>[^/:]+)|/labels/(?P<label>[^/:]+))?"
    r"(?P<metadata>/metadata)?/?",
    re.IGNORECASE,
)
POST_PATH = re.compile(
    r"/v1/models/(?P<model>[^/:]+)/versions/(?P<version>[^/:]+):(?:predict|classify|regress)",
    re.IGNORECASE,
)
DIGITS = re.compile(r"[0-9]{1,19}")
INT64_END = 2**63
MAX_SHOWN = 100


def add_routes(app: Flask, process: WebProcess) -> None:
    """Answer all of `/v1/` that nothing else answers."""

    @app.route("/<any(v1, V1):_root>/<path:_rest>", methods=METHODS)
    def version_1(_root: str, _rest: str) -> Response:
        match = GET_PATH.fullmatch(request.path) if request.method in ("GET", "HEAD") else None
        if match is None:
            raise malformed(request.method, request.path)
        return Response(orjson.dumps(_describe(process, match)), content_type=JSON)


def malformed(method: str, path: str) -> KerasdError:
    """What is wrong with a path that no route of version 1 has."""
    match = POST_PATH.fullmatch(path) if method == "POST" else None
    if match is None:
        return PathMalformed(method, path)
    try:
        return ModelNotFound(match["model"], parse_int64(match["version"]))
    except RequestInvalid as error:
        return error


def parse_int64(text: str) -> int:
    """A version's number, also one that no version here can have. Raises RequestInvalid."""
    if DIGITS.fullmatch(text) and int(text) < INT64_END:
        return int(text)
    raise RequestInvalid(f"Failed to convert version: {text[:MAX_SHOWN]} to numeric.")


def _describe(process: WebProcess, match: re.Match[str]) -> dict[str, object]:
    model, label = match["model"], match["label"] or ""
    version = parse_int64(match["version"]) if match["version"] else None
    if model is None:
        if match["version"] or label or match["metadata"]:
            raise RequestInvalid("Missing model name in request.")
        g.route = "/v1/models"
        return describe_all(take_view(process), process.settings.extra_keys)
    if match["metadata"]:
        g.route = "/v1/models/{model}/metadata"
        wait_for(process, model, version, label)
        return describe_signature(process.pool, model, version, label)
    g.route = "/v1/models/{model}"
    return _status(process, ModelOrVersion(model, version, label))


def _status(process: WebProcess, asked: ModelOrVersion) -> dict[str, object]:
    """200 while the model is being loaded; with `?ready` in the query that is 503."""
    view = take_view(process, asked.model)
    if "ready" in request.args and not is_ready(view, asked):
        raise ModelNotReady(asked.model, "it is not loaded")
    if not process.settings.extra_keys:
        return describe_model(view, asked)
    told = describe_fully(view, asked, process.counters, process.settings.repository)
    return {**told, "swaps": _swaps(process, asked.model)}


def _swaps(process: WebProcess, model: str) -> int | None:
    """How often another version became current; none while the database is away."""
    try:
        moves = process.swap_counts.count(time.time())
    except sqlalchemy.exc.SQLAlchemyError:  # the reloader tells of it
        return None
    return sum(count for (moved, _), count in moves.items() if moved == model)
