"""The routes that tell what versions scored, and whether one is really better than another."""

import re

from flask import Flask, Response, request

from service.base.errors import RequestInvalid
from service.base.http_errors import Conflict
from service.base.strict_json import Json
from service.quality.compared import compare_evaluations
from service.quality.store_evaluations import StoredEvaluation
from service.web.admin.query import number, only
from service.web.admin.swaps import MODEL
from service.web.admin.version_record import iso_time
from service.web.jobs.data_routes import check_known
from service.web.process import WebProcess
from service.web.responses import json_response

LIMIT, MOST = 20, 100
DATASET = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def add_routes(app: Flask, process: WebProcess) -> None:
    """Add them to the application."""

    @app.get(f"{MODEL}/evaluations")
    def evaluations(model: str) -> Response:
        only("version", "dataset", "limit")
        check_known(process, model)
        version = number("version") if "version" in request.args else None
        limit = number("limit", LIMIT, MOST)
        found = process.evaluations.find(model, version, _dataset(), limit)
        return json_response({"model": model, "evaluations": [_record(one) for one in found]})

    @app.get(f"{MODEL}/evaluations/compare")
    def compare(model: str) -> Response:
        only("a", "b", "dataset")
        check_known(process, model)
        a, b = number("a"), number("b")
        if a == b:
            raise RequestInvalid("b: expected another version than a")
        pair = process.evaluations.on_same_data(model, a, b, _dataset())
        if pair is None:
            raise Conflict(
                f"Versions {a} and {b} of model {model} were never evaluated on the same rows; "
                f"evaluate both: POST /v1/models/{model}:evaluate with versions [{a}, {b}]"
            )
        return json_response({"model": model, **compare_evaluations(*pair).as_json()})


def _dataset() -> str:
    name = request.args.get("dataset", "")
    if name and not DATASET.fullmatch(name):
        raise RequestInvalid(f"dataset: expected the name of a dataset, got {name[:80]!a}")
    return name


def _record(one: StoredEvaluation) -> Json:
    return {
        "version": one.version,
        "dataset": one.dataset,
        "data_sha256": one.data_sha256,
        "rows": one.rows,
        "job": one.job,
        "at": iso_time(one.at),
        "metrics": dict(one.metrics),
        "scores": dict(one.scores),
        "confusion": [list(row) for row in one.confusion],
    }
