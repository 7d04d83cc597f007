"""One operation of the document as plain data: what is sent, and what may come back."""

from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

from service.web.answers import JSON

BINARY = "application/octet-stream"

Method = Literal["get", "post", "put", "delete"]
Tag = Literal["Protocol v1", "Protocol v2", "Operators", "Quality", "Jobs", "Service"]

# Any request may be refused for its head or its length, or meet an error of the service's own.
EDGE = (400, 408, 413, 431, 500)
KEYED = (401, 403, 429)  # where keys are needed: without one, without the role, or too often
NAMED = (404, 405)  # a path with a name in it may turn out to be another path
LOADED = (503,)
PREDICTING = (415, 429, 501, 504)


@dataclass(frozen=True, slots=True)
class Content:
    """A body: one of several models, or a schema of its own, or else bytes; with an example."""

    bodies: tuple[type[BaseModel], ...] = ()
    example: Any = None
    schema: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes with one status: by media type; nothing for an empty body."""

    description: str
    contents: dict[str, Content] = field(default_factory=dict)
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of a path. `parameters` names header and query parameters; the path tells its own.

    `refusals` are statuses whose body is the shared error; those of keys come by themselves, unless
    it `is_open`: answered to everybody.
    """

    method: Method
    path: str
    name: str
    summary: str
    tag: Tag
    answers: dict[int, Answer]
    refusals: tuple[int, ...] = EDGE
    parameters: tuple[str, ...] = ()
    request: dict[str, Content] | None = None
    is_request_required: bool = True
    is_open: bool = False


def answers(description: str, *bodies: type[BaseModel], example: Any = None) -> dict[int, Answer]:
    """The usual case: status 200 with JSON."""
    return {200: Answer(description, {JSON: Content(bodies, example)})}
