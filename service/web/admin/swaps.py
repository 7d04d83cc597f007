"""Routes that move a model's pointer, name its versions, and share out its requests."""

import re
import time
from collections.abc import Callable

from flask import Flask, Response

from service.base.errors import ModelNotFound, RequestInvalid
from service.base.names import parse_version
from service.repository.audit import Order
from service.repository.changes import Change
from service.repository.policy import settle
from service.repository.promotion import Promoted, Promotions
from service.repository.route import Canary
from service.web.admin.bodies import LabelBody, SwapBody, TrafficBody, WhyBody, read_body
from service.web.admin.permits import order_of
from service.web.admin.query import why_deleted
from service.web.admin.route_record import route_record
from service.web.model_view import take_view
from service.web.process import WebProcess
from service.web.responses import json_response

MODEL = "/v1/models/<model_name:model>"
VERSION = f"{MODEL}/versions/<model_name:version>"

Work = Callable[[Promotions, Order], Change]
Swap = Callable[[Promotions, Order], Promoted]


def promotions(process: WebProcess) -> Promotions:
    """Those of this worker, for one call."""
    return Promotions(process.reloader.store, process.tell)


def add_routes(app: Flask, process: WebProcess) -> None:
    """Add them to the application."""
    _add_swaps(app, process)
    _add_labels(app, process)
    _add_traffic(app, process)


def _add_swaps(app: Flask, process: WebProcess) -> None:
    @app.post(f"{VERSION}:promote")
    def promote(model: str, version: str) -> Response:
        number = number_of(model, version)
        return _swap(process, lambda calls, order: calls.promote(model, number, order))

    @app.post(f"{MODEL}:rollback")
    def rollback(model: str) -> Response:
        return _swap(process, lambda calls, order: calls.rollback(model, order))

    @app.post(f"{MODEL}:release")
    def release(model: str) -> Response:
        return change(process, lambda calls, order: calls.release(model, order))


def _add_labels(app: Flask, process: WebProcess) -> None:
    @app.put(f"{MODEL}/labels/<model_name:label>")
    def set_label(model: str, label: str) -> Response:
        body = read_body(LabelBody)
        return change(
            process,
            lambda calls, order: calls.set_label(model, label, body.version, order),
            body,
        )

    @app.delete(f"{MODEL}/labels/<model_name:label>")
    def drop_label(model: str, label: str) -> Response:
        body = WhyBody(why=why_deleted())
        return change(process, lambda calls, order: calls.drop_label(model, label, order), body)


def _add_traffic(app: Flask, process: WebProcess) -> None:
    @app.put(f"{MODEL}/traffic")
    def set_traffic(model: str) -> Response:
        body = read_body(TrafficBody)
        canary = None
        if body.canary is not None:
            canary = Canary(body.canary.label, body.canary.percent, body.canary.header or "")
        return change(
            process,
            lambda calls, order: calls.set_traffic(model, canary, body.shadow or "", order),
            body,
        )

    @app.delete(f"{MODEL}/traffic")
    def drop_traffic(model: str) -> Response:
        body = WhyBody(why=why_deleted())
        return change(process, lambda calls, order: calls.set_traffic(model, None, "", order), body)


def change(process: WebProcess, work: Work, body: WhyBody | None = None) -> Response:
    """Make a change, and answer where the model's requests go from then on."""
    told = body or read_body(WhyBody)
    started = time.perf_counter()
    with process.permits.one():
        route = work(promotions(process), order_of(told.why)).after
    view = take_view(process, route.model)  # made is made, whatever the database says now
    rows = settle(view.of(route.model), {route.model: route})
    return json_response({**route_record(rows, route), "took_ms": milliseconds(started)})


def number_of(model: str, version: str) -> int:
    """The number in a path. Raises ModelNotFound for one that no version can have."""
    number = parse_version(version)
    if number is not None:
        return number
    if re.fullmatch(r"[1-9][0-9]{0,18}", version):
        raise ModelNotFound(model, int(version), "status")
    raise RequestInvalid(f"version: expected a positive whole number, got {version[:40]!a}")


def milliseconds(started: float) -> int:
    """How long ago a time of `time.perf_counter` is."""
    return round((time.perf_counter() - started) * 1000)


def _swap(process: WebProcess, work: Swap) -> Response:
    body = read_body(SwapBody)
    started = time.perf_counter()
    with process.permits.one():
        done = work(promotions(process), order_of(body.why, body.expected_current))
    return json_response(
        {
            "model": done.model,
            "version": done.version,
            "previous": done.before,
            "revision": done.revision,
            "took_ms": milliseconds(started),
        }
    )
