"""Routes that tell operators what was changed, and how two versions differ."""

from flask import Flask, Response, request

from service.base.errors import ModelNotFound
from service.base.names import check_model_name
from service.base.strict_json import Json
from service.repository.audit import AuditEntry
from service.repository.states import VersionRow
from service.web.admin.difference import differences
from service.web.admin.portrait import portrait
from service.web.admin.query import number, only
from service.web.admin.swaps import MODEL
from service.web.admin.version_record import iso_time
from service.web.model_view import take_view
from service.web.process import WebProcess
from service.web.responses import json_response

LIMIT, MOST = 100, 1000


def add_routes(app: Flask, process: WebProcess) -> None:
    """Add them to the application."""

    @app.get("/v1/audit")
    def audit() -> Response:
        only("model", "limit", "before")
        limit = number("limit", LIMIT, MOST)
        model, before = request.args.get("model", ""), number("before", 0)
        if model:
            check_model_name(model)
        entries = process.reloader.store.audit(model, limit, before)
        return json_response({"changes": [_entry(entry) for entry in entries]})

    @app.get(f"{MODEL}/diff")
    def diff(model: str) -> Response:
        only("from", "to")
        rows = take_view(process, model).of(model)
        old, new = (_portrait(process, model, rows, number(side)) for side in ("from", "to"))
        compared = [{k: v for k, v in side.items() if k != "version"} for side in (old, new)]
        record = {"model": model, "from": old, "to": new, "differs": differences(*compared)}
        return json_response(record)


def _portrait(process: WebProcess, model: str, rows: list[VersionRow], version: int) -> Json:
    row = next((row for row in rows if row.version == version), None)
    if row is None:
        raise ModelNotFound(model, version if rows else None, "status")
    settings = process.settings
    return portrait(row, settings.repository, settings.compiled_path)


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
