"""The protocol's routes besides inference: health, metadata, configuration, statistics.

What Triton has and this server doesn't is answered with 501; what isn't in the protocol with 404,
and a wrong verb with 405, in the words of Triton.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, Response, request

from service.base.errors import LabelUnknown, ModelNotFound, NotFound, Unsupported
from service.base.names import parse_version
from service.web.answers import JSON, error_body
from service.web.health import live, ready
from service.web.paths import is_label
from service.web.process import WebProcess
from service.web.responses import json_response
from service.web.served import ServedVersion
from service.web.v2 import describe
from service.web.v2.statistics import FAMILIES, model_stats
from service.web.waiting import wait_for

MODEL = "/v2/models/<model_name:model>"
VERSION = f"{MODEL}/versions/<version>"  # a number or a label
ALL_VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")
READ, WRITE = frozenset({"GET", "HEAD"}), frozenset({"POST"})
ANY_MODEL = r"/v2/models/[^/]+(/versions/[^/:]+)?"
# Every path of the protocol with its verbs, and what it is for where that isn't done here.
PATHS = (
    (r"/v2(/health/(live|ready)|/models|/models/stats)?/?", READ, ""),
    (rf"{ANY_MODEL}(/(ready|config|stats))?", READ, ""),
    (rf"{ANY_MODEL}/infer", WRITE, ""),
    (rf"{ANY_MODEL}/(generate|generate_stream|infer_stream)", WRITE, "Generation"),
    (r"/v2/repository(/[^/]+)?/(index|models/[^/]+/(load|unload))", WRITE, ""),
    (r"/v2/logging", READ | WRITE, ""),
    (r"/v2(/models/[^/]+)?/trace/setting", READ | WRITE, "Tracing"),
    (
        r"/v2/(system|cuda)sharedmemory(/region/[^/]+)?/(status|register|unregister)",
        READ | WRITE,
        "Shared memory",
    ),
)


def add_routes(app: Flask, process: WebProcess) -> None:
    """Add them to the application."""
    _add_server(app, process)
    _add_models(app, process)
    _add_statistics(app, process)
    _add_the_rest(app, process)


def _add_server(app: Flask, process: WebProcess) -> None:
    @app.get("/v2")
    def v2_server() -> Response:
        return json_response(describe.server_metadata())

    @app.get("/v2/health/live")
    def v2_live() -> Response:
        status, record = live(process)
        return json_response(record, status)

    @app.get("/v2/health/ready")
    def v2_ready() -> Response:
        status, record = ready(process)
        if status == 200:
            return json_response({"ready": True})
        waits_for = record.get("waits_for")
        names = ", ".join(map(str, waits_for)) if isinstance(waits_for, list) else ""
        return json_response(
            {"ready": False, "error": f"not loaded yet: {names or 'models'}"}, status
        )


def _add_models(app: Flask, process: WebProcess) -> None:
    @app.get("/v2/models")
    def v2_models() -> Response:
        return json_response(describe.model_list(process.reloader.rows))

    @app.get(MODEL)
    @app.get(VERSION)
    def v2_metadata(model: str, version: str = "") -> Response:
        wait_for(process, model, *_asked(version))
        with _lease(process, model, version) as served:
            return json_response(describe.model_metadata(served.facts, _loaded(process, model)))

    @app.get(f"{MODEL}/ready")
    @app.get(f"{VERSION}/ready")
    def v2_model_ready(model: str, version: str = "") -> Response:
        absent = process.pool.absence(model, *_asked(version))
        if absent is not None and absent.is_cold:  # a probe is no reason to load it
            return json_response(describe.model_ready(model))
        if absent is not None:
            process.reloader.look_soon()
        with _lease(process, model, version):
            return json_response(describe.model_ready(model))

    @app.get(f"{MODEL}/config")
    @app.get(f"{VERSION}/config")
    def v2_config(model: str, version: str = "") -> Response:
        wait_for(process, model, *_asked(version))
        with _lease(process, model, version) as served:
            workers = process.settings.workers
            return json_response(describe.model_config(served.facts, served.plan, workers))


def _add_statistics(app: Flask, process: WebProcess) -> None:
    @app.get("/v2/models/stats")
    def v2_all_stats() -> Response:
        versions = [(slot.model, slot.version) for slot in process.pool.slots()]
        return json_response(model_stats(process.counters.families(FAMILIES), versions))

    @app.get(f"{MODEL}/stats")
    @app.get(f"{VERSION}/stats")
    def v2_stats(model: str, version: str = "") -> Response:
        wait_for(process, model, *_asked(version))
        with _lease(process, model, version) as served:
            numbers = [served.facts.identity.version] if version else _loaded(process, model)
        versions = [(model, number) for number in numbers]
        families = process.counters.families(FAMILIES, model)
        return json_response(model_stats(families, versions))


def _add_the_rest(app: Flask, process: WebProcess) -> None:
    @app.get("/v2/logging")
    def v2_logging() -> Response:
        return json_response(describe.log_settings(process.settings))

    @app.post("/v2/logging")
    def v2_set_logging() -> Response:
        if request.get_data(cache=False).strip() not in (b"", b"{}"):
            raise Unsupported(
                "Logging can't be changed over HTTP; the settings log_level and log_format do that"
            )
        return json_response(describe.log_settings(process.settings))

    @app.route("/v2/<path:_rest>", methods=ALL_VERBS)
    def v2_rest(_rest: str) -> Response:
        for pattern, verbs, missing in PATHS:
            if re.fullmatch(pattern, request.path):
                if request.method not in verbs:
                    return Response(error_body("Method Not Allowed"), 405, content_type=JSON)
                if missing:
                    raise Unsupported(f"{missing} is not supported by this server")
        return Response(error_body("Not Found"), 404, content_type=JSON)


@contextmanager
def _lease(process: WebProcess, model: str, version: str) -> Iterator[ServedVersion]:
    """Hold a version by number or label, in the protocol's words where there is none."""
    number, label = _asked(version)
    if label and not is_label(label):
        raise NotFound(request.path)
    try:
        with process.pool.lease(model, number, label) as slot:
            yield slot.served
    except (ModelNotFound, LabelUnknown) as error:
        raise ModelNotFound(model, number or label or None, wording="v2") from error


def _asked(version: str) -> tuple[int | None, str]:
    """The version's number, or its label, as a path names it."""
    number = parse_version(version)
    return number, version if number is None else ""


def _loaded(process: WebProcess, model: str) -> list[int]:
    return [slot.version for slot in process.pool.slots() if slot.model == model]
