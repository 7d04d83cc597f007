"""The document put together: paths out of operations, schemas out of bodies."""

import re
from http import HTTPStatus

from pydantic import BaseModel

from service import __version__
from service.base.strict_json import Json
from service.web.answers import JSON
from service.web.openapi import (
    admin_operations,
    feedback_operations,
    job_operations,
    service_operations,
    v1_operations,
    v2_operations,
)
from service.web.openapi.body import ErrorBody, reference, schemas_of
from service.web.openapi.operation import KEYED, Answer, Content, Operation
from service.web.openapi.parameters import HEADERS, PARAMETERS

DESCRIPTION = """\
Serves Keras models over HTTP, in the words of TensorFlow Serving and KServe (version 1) and of the
Open Inference Protocol (version 2). How many values a model takes, and in which shape, is the
model's own: its metadata say so, and its sample is a request that works.

A version is asked for by its number or by a label; in version 2 a label stands in the number's
place.

Bodies are JSON whatever the content type says, and may be compressed by gzip or deflate. Every
answer has `X-Request-Id`, the client's own if it gave a good one.

Where access isn't open, each request needs a key or a token with the role that the route asks for;
signs of life alone don't."""
TAGS = {
    "Protocol v1": "TensorFlow Serving's protocol, which KServe's clients speak as well",
    "Protocol v2": "The Open Inference Protocol, with tensors in JSON or in binary form",
    "Operators": "Which version answers, who sees what, what is loaded, and who has changed it",
    "Quality": "What was true, how often the versions were right, and what is to be forgotten",
    "Jobs": "Retrains and evaluations: asked for, watched, cancelled; their data, and the scores",
    "Service": "Signs of life, metrics, and these documents",
}
REFUSALS = {
    400: "The request can't be understood, or doesn't fit the model; the text names the place",
    401: "A key or a token is needed, or this one isn't known",
    403: "Its roles don't suffice, or not for this model; or changes are switched off",
    404: "There is no such model, not this version of it, or nothing at this path",
    405: "The path has other methods",
    408: "The request did not arrive in time",
    409: "It doesn't go together with how things stand; the text says how they do",
    413: "The body is longer than the setting `max_body_mb` allows",
    415: "The body is compressed in a way that isn't understood",
    422: "The files can't be served, or the rows not be learned from; the text says why, and where",
    429: "Too many requests are waiting, or the key asks too often; nothing was done",
    431: "The head of the request is too long",
    500: "The model's answer can't be given, or an error of the service's own",
    501: "A part of the protocol that this server doesn't do",
    503: "The model is known but not loaded, with the reason; or too many clients watch jobs",
    504: "The prediction, or the change in every worker, was not finished in time",
    507: "There is no room for what was sent; nothing of it was kept",
}
SECURITY: dict[str, Json] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key (`kerasd keys add`), or a token of the OpenID Connect issuer",
    },
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "A key"},
}
WITH_RETRY = (429, 503)
NAME = re.compile(r"\{(\w+)\}")


def all_operations() -> list[Operation]:
    """Every operation of the service."""
    return [
        *v1_operations.operations(),
        *v2_operations.operations(),
        *admin_operations.operations(),
        *feedback_operations.operations(),
        *job_operations.operations(),
        *service_operations.operations(),
    ]


def assemble() -> Json:
    """The whole document, as OpenAPI 3.1.0 has it."""
    operations = all_operations()
    paths: dict[str, Json] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "kerasd",
            "version": __version__,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "security": [{}, *({name: []} for name in SECURITY)],
        "paths": paths,
        "components": {
            "schemas": schemas_of(_bodies(operations)),
            "responses": {str(status): _refusal(status) for status in REFUSALS},
            "parameters": PARAMETERS,
            "headers": HEADERS,
            "securitySchemes": SECURITY,
        },
    }


def _operation(operation: Operation) -> Json:
    named = [*NAME.findall(operation.path), *operation.parameters]
    record: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
    }
    if named:
        record["parameters"] = [_refer("parameters", name) for name in named]
    if operation.request is not None:
        record["requestBody"] = {
            "required": operation.is_request_required,
            "content": _contents(operation.request),
        }
    if operation.is_open:
        record["security"] = []
    answered = {str(status): _answer(answer) for status, answer in operation.answers.items()}
    refusals = operation.refusals if operation.is_open else (*operation.refusals, *KEYED)
    refused = {str(status): _refer("responses", str(status)) for status in refusals}
    record["responses"] = dict(sorted((refused | answered).items()))
    return record


def _answer(answer: Answer) -> Json:
    headers = {name: _refer("headers", name) for name in ("X-Request-Id", *answer.headers)}
    record: Json = {"description": answer.description, "headers": headers}
    if answer.contents:
        record["content"] = _contents(answer.contents)
    return record


def _refusal(status: int) -> Json:
    names = ("X-Request-Id", "Retry-After") if status in WITH_RETRY else ("X-Request-Id",)
    return {
        "description": f"{HTTPStatus(status).phrase}. {REFUSALS[status]}",
        "headers": {name: _refer("headers", name) for name in names},
        "content": {JSON: {"schema": reference(ErrorBody)}},
    }


def _contents(contents: dict[str, Content]) -> Json:
    return {media: _content(media, content) for media, content in contents.items()}


def _content(media: str, content: Content) -> Json:
    record: Json = {"schema": content.schema or _schema(media, content.bodies)}
    if content.example is not None:
        record["example"] = content.example
    return record


def _schema(media: str, bodies: tuple[type[BaseModel], ...]) -> Json:
    if len(bodies) > 1:
        return {"oneOf": [reference(body) for body in bodies]}
    if bodies:
        return dict(reference(bodies[0]))
    if media == JSON:
        return {"type": "object"}
    return (
        {"type": "string"} if media.startswith("text/") else {"type": "string", "format": "binary"}
    )


def _bodies(operations: list[Operation]) -> list[type[BaseModel]]:
    contents = [
        content
        for operation in operations
        for group in (
            *(answer.contents for answer in operation.answers.values()),
            operation.request or {},
        )
        for content in group.values()
    ]
    named = {body.__name__: body for content in contents for body in content.bodies}
    return [ErrorBody, *named.values()]


def _refer(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}
