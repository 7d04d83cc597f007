"""Both routes, and that the document names every route that there is."""

import re
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from flask import Flask

from service.base.settings import Settings
from service.web.app import create_app
from service.web.openapi.document import NAME, assemble
from service.web.paths import parse_predict_path
from service.web.process import WebProcess

CONVERTED = re.compile(r"<(?:\w+:)?(\w+)>")
# These only word refusals, or read version 1 by a pattern.
REFUSING = re.compile("<path:|<repository>")
OWN = (["Operators"], ["Quality"], ["Jobs"])
SAMPLE = ("/v1/models/{model}/sample", "get")


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    process = WebProcess(Settings(state_dir=tmp_path, repository=tmp_path))
    yield create_app(process)
    process.close()


def test_the_document_is_answered_from_memory(app: Flask) -> None:
    client = app.test_client()
    first, second = client.get("/openapi.json"), client.get("/openapi.json")
    assert first.status_code == 200
    assert first.content_type == "application/json"
    assert first.data == second.data
    assert orjson.loads(first.data) == orjson.loads(orjson.dumps(assemble()))


def test_the_page_is_answered_with_its_policy(app: Flask) -> None:
    answer = app.test_client().get("/docs")
    assert answer.status_code == 200
    assert answer.content_type == "text/html; charset=utf-8"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.data.startswith(b"<!doctype html>")


def test_every_route_is_in_the_document_and_every_path_has_a_route(app: Flask) -> None:
    routed = {
        (CONVERTED.sub(r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not REFUSING.search(rule.rule)
    }
    paths = assemble()["paths"]
    written = {(path, method) for path, item in paths.items() for method in item}
    by_pattern = {
        (path, method)
        for path, method in written - {SAMPLE}
        if path.startswith("/v1/") and paths[path][method]["tags"] not in OWN
    }
    predictions = {item for item in written if parse_predict_path(NAME.sub("7", item[0]))}
    assert routed == written - by_pattern - predictions
