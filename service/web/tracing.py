"""Requests as OpenTelemetry's spans, under its stable conventions for HTTP servers.

The spans of a prediction's stages are made from the figures of its stopwatch once it was answered.
"""

import threading
import time
from collections.abc import Mapping
from functools import lru_cache

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode, TraceFlags, TraceState

from service import __version__
from service.base.log import trace_id
from service.web.counted import Stopwatch
from service.web.spans import RequestStart
from service.web.trace_context import TraceParent

METHODS = frozenset("CONNECT DELETE GET HEAD OPTIONS PATCH POST PUT TRACE".split())
OTHER_METHOD = "_OTHER"
CLOSE_S = 3.0  # a worker that ends has better things to wait for than a collector that is away
SERVER_ERROR = 500
NS = 1_000_000_000


class Traces:
    """One worker's tracer; sampling and limits are as OTEL_* in the environment say."""

    def __init__(self, processor: SpanProcessor) -> None:
        # What the environment says of the resource wins: it is merged last.
        ours = Resource.create({"service.name": "kerasd", "service.version": __version__})
        resource = ours.merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("kerasd", __version__)

    def begin(self, begun: RequestStart, parent: TraceParent | None) -> "TracedRequest":
        """The server's span; its trace is named in the log, whoever began it."""
        method = begun.method if begun.method in METHODS else OTHER_METHOD
        attributes = {
            "http.request.method": method,
            "url.path": begun.path,
            "url.scheme": "http",
            **_server(begun.host),
        }
        if begun.route:
            attributes["http.route"] = begun.route
        name = "HTTP" if method == OTHER_METHOD else method
        span = self._tracer.start_span(
            f"{name} {begun.route}" if begun.route else name,
            Context() if parent is None else _context_of(parent),
            SpanKind.SERVER,
            attributes,
        )
        trace_id.set(trace.format_trace_id(span.get_span_context().trace_id))
        return TracedRequest(self._tracer, span, name)

    def close(self) -> None:
        """Send what is left; a collector that is away is left alone after some seconds."""
        closing = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        closing.start()
        closing.join(CLOSE_S)


class TracedRequest:
    """The span of one request."""

    def __init__(self, tracer: trace.Tracer, span: trace.Span, method: str) -> None:
        self._tracer = tracer
        self._span = span
        self._method = method
        self._names: Mapping[str, str] = {}
        self._watch: Stopwatch | None = None

    def saw(self, model: str, version: int, watch: Stopwatch) -> None:
        """The version that answers, and the watch that will tell how long each stage took."""
        self._names = {"kerasd.model.name": model, "kerasd.model.version": str(version)}
        self._watch = watch

    def end(self, status: int, route: str = "") -> None:
        """The request was answered, or its client has gone; only 5xx are the server's errors."""
        span = self._span
        if span.is_recording():
            if status:
                span.set_attribute("http.response.status_code", status)
            span.set_attributes(self._names)
            if route:
                span.set_attribute("http.route", route)
                span.update_name(f"{self._method} {route}")
            if status >= SERVER_ERROR:
                span.set_attribute("error.type", str(status))
                span.set_status(Status(StatusCode.ERROR))
            if self._watch is not None:
                self._add_stages(self._watch)
        span.end()

    def _add_stages(self, watch: Stopwatch) -> None:
        context = trace.set_span_in_context(self._span, Context())
        offset_s = time.time() - time.perf_counter()
        for name, began_s, took_s in watch.stages():
            began_ns = int((began_s + offset_s) * NS)
            stage = self._tracer.start_span(
                name, context, attributes=self._names, start_time=began_ns
            )
            stage.end(began_ns + int(took_s * NS))


def send_traces() -> Traces:
    """Traces that go to a collector in batches, from a thread that is started here."""
    return Traces(BatchSpanProcessor(OTLPSpanExporter()))


def _context_of(parent: TraceParent) -> Context:
    remote = trace.SpanContext(
        int(parent.trace_id, 16),
        int(parent.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED if parent.is_sampled else TraceFlags.DEFAULT),
        trace_state=TraceState.from_header([parent.state]) if parent.state else None,
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(remote), Context())


@lru_cache(maxsize=256)
def _server(host: str) -> Mapping[str, str | int]:
    """Where the client says it asked: the header `Host`, without and with its port."""
    name, _, port = host.rpartition(":")
    if not name or not (port.isascii() and port.isdigit()) or len(port) > 5:
        return {"server.address": host.strip("[]")} if host else {}
    return {"server.address": name.strip("[]"), "server.port": int(port)}
