"""What the request's way needs of traces, whether the packages for them are there or not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from service.web.counted import Stopwatch
from service.web.trace_context import TraceParent, begin_trace
from service.web.tracing_packages import check_traces

# What is asked every few seconds, and nothing of it is worth a trace.
UNTRACED = frozenset({"/livez", "/readyz", "/metrics", "/monitoring/prometheus/metrics"})


@dataclass(frozen=True, slots=True)
class RequestStart:
    """What is known of a request when its span begins; `route` is empty where it isn't yet."""

    method: str
    route: str
    path: str
    host: str


class RequestSpan(Protocol):
    """The span of one request."""

    def saw(self, model: str, version: int, watch: Stopwatch) -> None:
        """The version that answers, and the watch that will tell how long each stage took."""
        ...

    def end(self, status: int, route: str = "") -> None:
        """It was answered, 0 where the client had gone before; `route` if that was known late."""
        ...


class Tracer(Protocol):
    """Begins spans; there is none where traces are off."""

    def begin(self, begun: RequestStart, parent: TraceParent | None) -> RequestSpan:
        """The span of a request, in the trace of its caller if that told one."""
        ...

    def close(self) -> None:
        """Send what is left, if that doesn't take long."""
        ...


def begin_span(
    tracer: Tracer | None, method: str, route: str, path: str, headers: Mapping[bytes, bytes]
) -> RequestSpan | None:
    """Called first of all for each request; the log names its trace from here on.

    `route` is empty where it isn't known yet.
    """
    parent = begin_trace(headers)
    if tracer is None or path in UNTRACED:
        return None
    host = headers.get(b"host", b"").decode("latin-1")
    return tracer.begin(RequestStart(method, route, path, host), parent)


def end_span(span: RequestSpan | None, status: int, route: str = "") -> None:
    """It was answered, 0 where the client had gone before; `route` if that was known late."""
    if span is not None:
        span.end(status, route)


def open_traces(is_wanted: bool) -> Tracer | None:
    """The tracer that sends to where OTEL_* say; it has a thread, so after the fork only."""
    check_traces(is_wanted)
    if not is_wanted:
        return None
    from service.web.tracing import send_traces

    return send_traces()
