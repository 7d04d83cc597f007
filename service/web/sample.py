"""`/v1/models/M/sample`: a request for one loaded model that works as it is."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from flask import Flask, Response, request

from service.base.errors import RequestInvalid
from service.base.http_errors import HeadMalformed
from service.base.signature import STRING, Signature, TensorSpec
from service.web import snippets
from service.web.answers import JSON
from service.web.process import WebProcess
from service.web.snippets import Filled
from service.web.v2.datatypes import NEVER_IN_JSON, V2_OF

FREE_AXIS = 8  # the length with which versions are warmed, so that it is known to work
LISTED_VALUES = 100_000
TEXT_LENGTH_BYTES = 4
HOST = re.compile(r"([A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")
TEXT = "text/plain; charset=utf-8"

Write = Callable[[str, str, Sequence[Filled]], str]
LANGUAGES: dict[str, Write] = {
    "curl": snippets.curl,
    "python": snippets.python,
    "javascript": snippets.javascript,
}


def add_routes(app: Flask, process: WebProcess) -> None:
    """The one route."""

    @app.get("/v1/models/<model_name:model>/sample")
    def sample(model: str) -> Response:
        url = address(request.scheme, request.host)
        form = _form(request.args.get("format", "json"))
        with process.pool.lease(model) as slot:
            tensors = fill(slot.served.facts.signature)
            version = slot.version
        if form in LANGUAGES:
            return Response(LANGUAGES[form](url, model, tensors), content_type=TEXT)
        return Response(orjson.dumps(describe(url, model, version, tensors)), content_type=JSON)


def address(scheme: str, host: str) -> str:
    """How the client reached the service. Raises HeadMalformed for what isn't a host and a port.

    The host goes into commands that people paste into a shell.
    """
    if HOST.fullmatch(host) is None:
        raise HeadMalformed(f"Host: expected a name or an address, got '{host[:60]}'")
    return f"{scheme}://{host}"


def fill(signature: Signature) -> list[Filled]:
    """One instance of plausible values for every input."""
    return [
        Filled(
            spec.name,
            (1, *(FREE_AXIS if axis is None else axis for axis in spec.item_shape)),
            _value(spec),
            V2_OF[spec.dtype],
            TEXT_LENGTH_BYTES if spec.dtype == STRING else spec.numpy_dtype.itemsize,
        )
        for spec in signature.inputs
    ]


def describe(url: str, model: str, version: int, tensors: Sequence[Filled]) -> dict[str, Any]:
    """The request in every form; very large tensors are only built in code."""
    record: dict[str, Any] = {"model": model, "version": str(version)}
    if sum(item.count for item in tensors) <= LISTED_VALUES:
        record["request"] = snippets.rows(tensors)
        if not any(item.datatype in NEVER_IN_JSON for item in tensors):
            record["v2_request"] = snippets.tensors_of(tensors)
    return record | {name: write(url, model, tensors) for name, write in LANGUAGES.items()}


def _form(text: str) -> str:
    if text != "json" and text not in LANGUAGES:
        raise RequestInvalid(f"format: expected json, {', '.join(LANGUAGES)}, got '{text[:20]}'")
    return text


def _value(spec: TensorSpec) -> float | int | bool | str:
    """An index that the vocabulary has, and otherwise something in the middle."""
    if spec.dtype == STRING:
        return "text"
    if spec.dtype == "bool":
        return True
    is_float = spec.dtype.startswith("float")
    if spec.vocabulary is not None:
        index = min(1, spec.vocabulary - 1)
        return float(index) if is_float else index
    return 0.5 if is_float else 1
