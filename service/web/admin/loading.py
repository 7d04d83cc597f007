"""Routes that load, unload and reload a model, and retire its versions."""

import time
from collections.abc import Callable

from flask import Flask, Response

from service.base.errors import ModelNotFound
from service.base.http_errors import Conflict
from service.base.strict_json import Json
from service.repository.audit import Order
from service.repository.control import Control
from service.repository.deletion import Deletions
from service.repository.shelf import open_shelf
from service.repository.swap import Swaps
from service.web.admin.bodies import RetireBody, WhyBody, read_body
from service.web.admin.permits import order_of
from service.web.admin.route_record import route_record
from service.web.admin.swaps import MODEL, VERSION, change, milliseconds, number_of, promotions
from service.web.model_view import take_view
from service.web.process import WebProcess
from service.web.responses import json_response


def control(process: WebProcess) -> Control:
    """That of this worker, for one call."""
    return Control(process.reloader.store, process.tell)


def add_routes(app: Flask, process: WebProcess) -> None:
    """Add them to the application."""
    _add_loading(app, process)
    _add_retirement(app, process)


def _add_loading(app: Flask, process: WebProcess) -> None:
    @app.post(f"{MODEL}:load")
    def load(model: str) -> Response:
        return _done(process, model, control(process).load)

    @app.post(f"{MODEL}:unload")
    def unload(model: str) -> Response:
        return _done(process, model, control(process).unload)

    @app.post(f"{MODEL}:reload")
    def reload(model: str) -> Response:
        return _done(process, model, control(process).reload)


def _done(process: WebProcess, model: str, work: Callable[[str, Order], object]) -> Response:
    body = read_body(WhyBody)
    started = time.perf_counter()
    with process.permits.one():
        work(model, order_of(body.why))
    view = take_view(process, model)
    record = route_record(view.of(model), view.route(model))
    return json_response({**record, "took_ms": milliseconds(started)})


def _add_retirement(app: Flask, process: WebProcess) -> None:
    @app.post(f"{VERSION}:retire")
    def retire(model: str, version: str) -> Response:
        number = number_of(model, version)
        return change(process, lambda calls, order: calls.retire(model, number, order))

    @app.post(f"{VERSION}:restore")
    def restore(model: str, version: str) -> Response:
        number = number_of(model, version)
        return change(process, lambda calls, order: calls.restore(model, number, order))

    @app.post(f"{MODEL}:retire")
    def retire_old(model: str) -> Response:
        body = read_body(RetireBody)
        with process.permits.one():
            return json_response(_sweep(process, model, body))


def _sweep(process: WebProcess, model: str, body: RetireBody) -> Json:
    """Retire what is old, or delete it; what comes into use meanwhile stays."""
    days = process.settings.keep_days if body.days is None else body.days
    found = promotions(process).sweep(model, body.keep, days, time.time())
    kept = dict(found.kept)
    went: list[int] = []
    let_go = _letting_go(process, model, body, days)
    for version in (*found.versions, *(found.gone if body.delete else ())):
        try:
            let_go(version)
            went.append(version)
        except Conflict as error:
            kept[version] = str(error)
        except ModelNotFound:  # retired before, and its files are gone
            continue
    return {
        "model": model,
        "retired": [] if body.delete else went,
        "deleted": went if body.delete else [],
        "kept": [{"version": version, "reason": kept[version]} for version in sorted(kept)],
        "dry_run": body.dry_run,
    }


def _letting_go(
    process: WebProcess, model: str, body: RetireBody, days: float
) -> Callable[[int], object]:
    """What is done with each version that isn't needed."""
    order, calls = order_of(body.why), promotions(process)
    if body.dry_run and not body.delete:
        return lambda _version: None
    if body.delete:
        store, shelf = process.reloader.store, open_shelf(process.settings)
        shelf.check_writable(model)
        if body.dry_run:
            return lambda version: shelf.check_removable(model, version)
        deletions = Deletions(store, Swaps(store, process.tell), shelf, days)
        return lambda version: deletions.delete(model, version, order)
    use = calls.use(model, days, time.time())
    return lambda version: calls.retire(model, version, order, use)
