"""Routes that tell operators what was changed, and how two versions differ."""

from typing import Any

from flask import Flask, Response, request

from service.base.errors import ModelNotFound, RequestInvalid
from service.base.names import parse_version
from service.repository.audit import AuditEntry
from service.repository.states import VersionRow
from service.web.admin.difference import differences
from service.web.admin.portrait import portrait
from service.web.admin.standing import iso_time, take_standing
from service.web.admin.swaps import MODEL
from service.web.process import WebProcess
from service.web.responses import json_response

LIMIT, MOST = 100, 1000

Json = dict[str, Any]


def add_routes(app: Flask, process: WebProcess) -> None:
    """Add them to the application."""

    @app.get("/v1/audit")
    def audit() -> Response:
        _only("model", "limit", "before")
        limit = _number("limit", LIMIT, MOST)
        model, before = request.args.get("model", ""), _number("before", 0)
        entries = process.reloader.store.audit(model, limit, before)
        return json_response({"changes": [_entry(entry) for entry in entries]})

    @app.get(f"{MODEL}/diff")
    def diff(model: str) -> Response:
        _only("from", "to")
        rows = take_standing(process, model).of(model)
        old, new = (_portrait(process, model, rows, _number(side)) for side in ("from", "to"))
        compared = [{k: v for k, v in side.items() if k != "version"} for side in (old, new)]
        record = {"model": model, "from": old, "to": new, "differs": differences(*compared)}
        return json_response(record)


def _portrait(process: WebProcess, model: str, rows: list[VersionRow], version: int) -> Json:
    row = next((row for row in rows if row.version == version), None)
    if row is None:
        raise ModelNotFound(model, version if rows else None, "status")
    settings = process.settings
    return portrait(row, settings.repository, settings.compiled_dir)


def _only(*names: str) -> None:
    for name, values in request.args.lists():
        if name not in names:
            raise RequestInvalid(f"the query: expected {', '.join(names)}, got {name[:40]!a}")
        if len(values) > 1:
            raise RequestInvalid(f"the query: {name} stands there twice")


def _number(name: str, default: int | None = None, most: int | None = None) -> int:
    text = request.args.get(name)
    if text is None and default is not None:
        return default
    number = parse_version(text or "")
    if number is None or (most is not None and number > most):
        upto = "" if most is None else f" up to {most}"
        got = "none" if text is None else f"{text[:40]!a}"
        raise RequestInvalid(f"{name}: expected a positive whole number{upto}, got {got}")
    return number


def _entry(entry: AuditEntry) -> Json:
    return {
        "id": entry.id,
        "at": iso_time(entry.at),
        "model": entry.model,
        "action": entry.action,
        "who": entry.who,
        "why": entry.why,
        "request_id": entry.request_id,
        "before": entry.before,
        "after": entry.after,
    }
