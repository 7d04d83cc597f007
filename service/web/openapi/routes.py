"""`/openapi.json` and `/docs`: made once, at the first request for one of them."""

from functools import cache

import orjson
from flask import Flask, Response

from service.web.answers import JSON
from service.web.pages import Page, render
from service.web.process import WebProcess


@cache
def document_bytes() -> bytes:
    """The document as it is sent."""
    # Imported late: a worker that is never asked doesn't hold sixty pydantic models.
    from service.web.openapi.document import assemble

    return orjson.dumps(assemble())


@cache
def docs_page() -> Page:
    """The page made from the same bytes."""
    return render(orjson.loads(document_bytes()))


def add_routes(app: Flask, _process: WebProcess) -> None:
    """Both, neither of which depends on the worker's state."""

    @app.get("/openapi.json")
    def openapi() -> Response:
        return Response(document_bytes(), content_type=JSON)

    @app.get("/docs")
    def docs() -> Response:
        page = docs_page()
        return Response(page.content, headers=page.headers, content_type="text/html; charset=utf-8")
