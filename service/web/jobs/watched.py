"""Which requests are streams of a job's events, and where each begins: for the front."""

from service.web.jobs.event_text import after_of, wants_stream
from service.web.turn import Message
from service.web.upload.head import read_query

BEGIN, END = "/v1/jobs/", "/events"
EVENTS_ROUTE = "/v1/jobs/{job}/events"


def watched_job(scope: Message) -> str:
    """The id of the job whose events are to be streamed; empty for every other request."""
    path: str = scope["path"]
    if not path.startswith(BEGIN) or path.rstrip("/")[-len(END) :] != END:
        return ""
    job = path.rstrip("/")[len(BEGIN) : -len(END)]
    is_one = "/" not in job and wants_stream(_values(scope, b"accept"))
    return job if is_one else ""


def last_event(scope: Message) -> int:
    """The number of the last event that the client has. Raises RequestInvalid."""
    query = read_query(scope["query_string"].decode("latin-1"), ("after",))
    header = _values(scope, b"last-event-id")
    return after_of(header[-1] if header else "", query.get("after"))


def _values(scope: Message, name: bytes) -> list[str]:
    return [value.decode("latin-1") for field, value in scope["headers"] if field == name]
