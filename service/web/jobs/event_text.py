"""Events of jobs as text/event-stream has them, and what a client says of those that it has.

    id: 12
    event: epoch
    data: {...}

Only events of the table have an id: a client that comes again names the last one that it has, and
gets what came after it.
"""

import re
from collections.abc import Iterable

import orjson

from service.base.errors import RequestInvalid
from service.jobs.job import JobEvent
from service.web.admin.version_record import iso_time

STREAM = "text/event-stream"
RETRY_MS = 2000
RETRY = f"retry: {RETRY_MS}\n\n".encode()
ALIVE = b": alive\n\n"
NUMBER = re.compile(r"[0-9]{1,9}")


def event_record(event: JobEvent) -> dict[str, object]:
    """An event as JSON."""
    return {
        "id": event.number,
        "job": event.job,
        "at": iso_time(event.at),
        "kind": event.kind,
        "body": dict(event.body),
    }


def event_text(event: JobEvent) -> bytes:
    """An event of the table."""
    return text(event.kind, event_record(event), event.number)


def text(name: str, record: object, number: int | None = None) -> bytes:
    """Any event; a record is one line."""
    own = b"" if number is None else b"id: %d\n" % number
    return b"%bevent: %b\ndata: %b\n\n" % (own, name.encode(), orjson.dumps(record))


def wants_stream(accept: Iterable[str]) -> bool:
    """True for a client that names the type; whoever takes anything gets JSON."""
    for part in ",".join(accept).split(","):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if kind == STREAM and not any(re.fullmatch(r"q=0(\.0*)?", p) for p in parameters):
            return True
    return False


def after_of(header: str, query: str | None) -> int:
    """The number of the last event that a client has; 0 if it has none. Raises RequestInvalid.

    The header, which browsers send by themselves when they come again, is the newer one.
    """
    for name, told in (("Last-Event-ID", header), ("after", query)):
        if told and not NUMBER.fullmatch(told):
            raise RequestInvalid(f"{name}: expected the id of an event, got {told[:40]!a}")
        if told:
            return int(told)
    return 0
