"""The operations of operators: what changes the versions that answer, and what tells of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from service.web.admin.bodies import (
    LabelBody,
    RetireBody,
    SwapBody,
    TrafficBody,
    WhyBody,
)
from service.web.answers import JSON
from service.web.openapi.admin_bodies import (
    AuditAnswer,
    DeletedAnswer,
    DiffAnswer,
    RetiredAnswer,
    RouteAnswer,
    SwapAnswer,
    UploadAnswer,
)
from service.web.openapi.operation import (
    BINARY,
    EDGE,
    NAMED,
    Answer,
    Content,
    Method,
    Operation,
    Tag,
    answers,
)

TAG: Tag = "Operators"
MODEL = "/v1/models/{model}"
VERSION = f"{MODEL}/versions/{{version}}"
LABEL = f"{MODEL}/labels/{{label}}"
READING = (*EDGE, *NAMED)
CHANGING = (*READING, 409, 504)
FORM = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Sent:
    """The body of a request."""

    body: type[BaseModel] = WhyBody
    example: Any = None
    is_needed: bool = False


NOTHING_NEEDED = Sent()


def operations() -> Iterator[Operation]:
    """All of them."""
    yield from _swaps()
    yield from _traffic()
    yield from _loading()
    yield from _retirement()
    yield from _files()
    yield Operation("get", f"{MODEL}/diff", "diff", "Where two versions differ", TAG,
                    answers("Both, and the places", DiffAnswer), READING,
                    ("from", "to"))  # fmt: skip
    yield Operation("get", "/v1/audit", "audit", "What was changed, by whom and why", TAG,
                    answers("The changes", AuditAnswer), (*EDGE, 405),
                    ("audited_model", "limit", "before"))  # fmt: skip


def _swaps() -> Iterator[Operation]:
    example = {"expected_current": 1, "why": "better on last week's data"}
    done = answers("It is the current one", SwapAnswer)
    yield _change("post", f"{VERSION}:promote", "promote",
                  "Have a version answer, in every worker at once",
                  Sent(SwapBody, example), done)  # fmt: skip
    yield _change("post", f"{MODEL}:rollback", "rollback",
                  "Have the version answer that was current before",
                  Sent(SwapBody), done)  # fmt: skip
    yield _change("post", f"{MODEL}:release", "release", "Have the version policy choose again")


def _traffic() -> Iterator[Operation]:
    yield _change("put", LABEL, "setLabel", "Give a version a label",
                  Sent(LabelBody, {"version": 1}, is_needed=True))  # fmt: skip
    yield _deletion(LABEL, "dropLabel", "Take a label back")
    canary = {"label": "candidate", "percent": 10, "header": "X-User"}
    yield _change("put", f"{MODEL}/traffic", "setTraffic",
                  "Share the requests out between versions",
                  Sent(TrafficBody, {"canary": canary}))  # fmt: skip
    yield _deletion(f"{MODEL}/traffic", "dropTraffic", "All requests to the current version")


def _loading() -> Iterator[Operation]:
    for verb, summary in (
        ("load", "Load a model's files as they are now"),
        ("unload", "Have a model answer no more"),
        ("reload", "Load all of a model anew; it answers meanwhile"),
    ):
        yield _change("post", f"{MODEL}:{verb}", verb, summary)


def _retirement() -> Iterator[Operation]:
    yield _change("post", f"{VERSION}:retire", "retire", "Serve a version no more")
    yield _change("post", f"{VERSION}:restore", "restore", "Take a retirement back")
    sent = Sent(RetireBody, {"keep": 2, "dry_run": True}, is_needed=True)
    yield _change("post", f"{MODEL}:retire", "retireOld", "Retire what is old and not needed",
                  sent, answers("What went, what stays", RetiredAnswer))  # fmt: skip


def _files() -> Iterator[Operation]:
    yield Operation("post", f"{MODEL}/versions", "upload", "Publish files as a new version", TAG,
                    _uploaded(), (*CHANGING, 413, 422, 507), parameters=UPLOAD_PARAMETERS,
                    request={FORM: Content(schema=UPLOAD_FORM), BINARY: Content()})  # fmt: skip
    yield Operation("delete", VERSION, "deleteVersion", "Take a version away, its files too", TAG,
                    answers("It is gone", DeletedAnswer), (*CHANGING, 507),
                    parameters=("why", "force"))  # fmt: skip


def _uploaded() -> dict[int, Answer]:
    body = {JSON: Content((UploadAnswer,))}
    return {
        200: Answer("The files are a version already", body),
        201: Answer("Published, compiled and verified", body),
        202: Answer("Published; it is compiled next", body),
    }


UPLOAD_PARAMETERS = ("published_version", "filename", "wait", "again", "why", "Idempotency-Key")
UPLOAD_FORM: dict[str, Any] = {
    "type": "object",
    "description": "The files by name",
    "additionalProperties": {"type": "string", "format": "binary"},
}


def _change(
    method: Method,
    path: str,
    name: str,
    summary: str,
    sent: Sent = NOTHING_NEEDED,
    answered: dict[int, Answer] | None = None,
) -> Operation:
    return Operation(
        method, path, name, summary, TAG, answered or _routed(), CHANGING,
        request={JSON: Content((sent.body,), sent.example)}, is_request_required=sent.is_needed,
    )  # fmt: skip


def _deletion(path: str, name: str, summary: str) -> Operation:
    return Operation("delete", path, name, summary, TAG, _routed(), CHANGING, parameters=("why",))


def _routed() -> dict[int, Answer]:
    return answers("Where the requests go now", RouteAnswer)
