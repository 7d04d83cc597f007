"""What spans a request leaves behind, by the real SDK."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, format_span_id, format_trace_id

from service.base.errors import SettingsInvalid
from service.base.log import trace_id
from service.web import counted as counting
from service.web import tracing_packages
from service.web.counted import Stopwatch
from service.web.spans import RequestStart, open_traces
from service.web.trace_context import parse_traceparent
from service.web.tracing import Traces
from service.web.tracing_packages import check_traces
from tests.web.desk import Clock

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
ROUTE = "/v1/models/{model}:predict"
PREDICTION = RequestStart("POST", ROUTE, "/v1/models/digits:predict", "models.example:8080")


class Kept:
    """Traces that stay in memory."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.traces = Traces(SimpleSpanProcessor(self._exporter))

    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self._exporter.get_finished_spans()}


@pytest.fixture
def kept() -> Iterator[Kept]:
    one = Kept()
    yield one
    one.traces.close()


def _attributes(span: ReadableSpan) -> Mapping[str, object]:
    assert span.attributes is not None
    return span.attributes


def test_a_request_is_a_server_span_under_the_stable_conventions(kept: Kept) -> None:
    kept.traces.begin(PREDICTION, None).end(200)

    (span,) = kept.spans().values()
    assert span.name == f"POST {ROUTE}"
    assert span.kind is SpanKind.SERVER
    assert dict(_attributes(span)) == {
        "http.request.method": "POST",
        "http.route": ROUTE,
        "url.path": "/v1/models/digits:predict",
        "url.scheme": "http",
        "server.address": "models.example",
        "server.port": 8080,
        "http.response.status_code": 200,
    }
    assert span.resource.attributes["service.name"] == "kerasd"


@pytest.mark.parametrize(
    ("has_waited_first", "order"),
    [
        (False, ["decode", "queue", "infer", "encode"]),
        (True, ["queue", "decode", "infer", "encode"]),
    ],
)
def test_the_stages_are_its_children_one_after_the_other(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, has_waited_first: bool, order: list[str]
) -> None:
    clock = Clock()
    monkeypatch.setattr(counting, "time", clock)
    watch = Stopwatch()
    clock.now += 1
    if has_waited_first:
        watch.waited()
        clock.now += 2
        watch.decode = watch.lap()
    else:
        watch.decode = watch.lap()
        clock.now += 2
        watch.queue = watch.lap()
    clock.now += 3
    watch.infer = watch.lap()
    clock.now += 4
    watch.encode = watch.lap()

    request = kept.traces.begin(PREDICTION, None)
    request.saw("digits", 7, watch)
    request.end(200)

    spans = kept.spans()
    parent = spans.pop(f"POST {ROUTE}")
    assert sorted(spans) == sorted(order)
    assert parent.context is not None
    for name, took_s in zip(order, (1, 2, 3, 4), strict=True):
        stage = spans[name]
        assert stage.parent is not None
        assert stage.parent.span_id == parent.context.span_id
        assert stage.start_time is not None
        assert stage.end_time == stage.start_time + took_s * 1_000_000_000
        assert _attributes(stage)["kerasd.model.version"] == "7"
    begins = [spans[name].start_time or 0 for name in order]
    assert [(later - begins[0]) / 1e9 for later in begins] == pytest.approx([0, 1, 3, 6])
    assert _attributes(parent)["kerasd.model.name"] == "digits"


def test_it_goes_on_with_the_trace_of_its_caller(kept: Kept) -> None:
    parent = parse_traceparent(f"00-{TRACE}-{SPAN}-01".encode(), b"vendor=abc")

    kept.traces.begin(PREDICTION, parent).end(200)

    (span,) = kept.spans().values()
    assert span.context is not None
    assert span.parent is not None
    assert format_trace_id(span.context.trace_id) == TRACE
    assert format_span_id(span.parent.span_id) == SPAN
    assert span.parent.is_remote
    assert span.context.trace_state["vendor"] == "abc"


def test_what_its_caller_does_not_record_is_not_recorded_here(kept: Kept) -> None:
    request = kept.traces.begin(PREDICTION, parse_traceparent(f"00-{TRACE}-{SPAN}-00".encode()))
    request.saw("digits", 7, Stopwatch())
    request.end(200)

    assert kept.spans() == {}
    assert trace_id.get() == TRACE


def test_the_log_names_a_trace_that_begins_here(kept: Kept) -> None:
    kept.traces.begin(PREDICTION, None).end(200)

    (span,) = kept.spans().values()
    assert span.context is not None
    assert trace_id.get() == format_trace_id(span.context.trace_id)


@pytest.mark.parametrize(
    ("status", "code"), [(400, StatusCode.UNSET), (429, StatusCode.UNSET), (503, StatusCode.ERROR)]
)
def test_an_error_is_one_of_the_server(kept: Kept, status: int, code: StatusCode) -> None:
    kept.traces.begin(PREDICTION, None).end(status)

    (span,) = kept.spans().values()
    assert span.status.status_code is code
    assert _attributes(span).get("error.type") == ("503" if status == 503 else None)


@pytest.mark.parametrize(
    ("method", "route", "name", "recorded"),
    [
        ("GET", "", "GET", "GET"),
        ("FETCH", "", "HTTP", "_OTHER"),
        ("GET", "/v1/models", "GET /v1/models", "GET"),
    ],
)
def test_names_come_from_small_sets(
    kept: Kept, method: str, route: str, name: str, recorded: str
) -> None:
    kept.traces.begin(RequestStart(method, route, "/anything", ""), None).end(404)

    span = kept.spans()[name]
    assert _attributes(span)["http.request.method"] == recorded


def test_a_route_that_is_found_late_names_the_span_too(kept: Kept) -> None:
    kept.traces.begin(RequestStart("GET", "", "/v1/models", ""), None).end(200, "/v1/models")

    span = kept.spans()["GET /v1/models"]
    assert _attributes(span)["http.route"] == "/v1/models"


@pytest.mark.parametrize(
    ("host", "address", "port"),
    [
        ("a.example", "a.example", None),
        ("127.0.0.1:80", "127.0.0.1", 80),
        ("[::1]:8080", "::1", 8080),
        ("[::1]", "::1", None),
        ("a.example:many", "a.example:many", None),
        ("", None, None),
    ],
)
def test_the_server_is_named_as_the_client_named_it(
    kept: Kept, host: str, address: str | None, port: int | None
) -> None:
    kept.traces.begin(RequestStart("GET", "", "/", host), None).end(200)

    attributes = _attributes(kept.spans()["GET"])
    assert attributes.get("server.address") == address
    assert attributes.get("server.port") == port


WITHOUT = "import sys; sys.modules['opentelemetry'] = None; "


@pytest.mark.parametrize("half", ["serve", "web"])
def test_the_service_does_not_start_without_the_packages(tmp_path: Path, half: str) -> None:
    code = f"{WITHOUT}from service.cli.main import main; sys.argv = ['kerasd', '{half}']; main()"
    settings = {"KERASD_REPOSITORY": str(tmp_path), "KERASD_STATE_DIR": str(tmp_path / "state")}
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **settings, "KERASD_TRACES": "true"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 2
    assert "pip install 'kerasd[otel]'" in ended.stderr


def test_whoever_sends_no_traces_needs_no_packages() -> None:
    code = f"{WITHOUT}import service.web.front"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_without_the_setting_there_is_no_tracer() -> None:
    assert open_traces(False) is None


def test_without_the_packages_traces_are_refused_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tracing_packages, "PACKAGES", ("opentelemetry_of_mars.sdk",))

    check_traces(False)
    with pytest.raises(SettingsInvalid, match=r"pip install 'kerasd\[otel\]'"):
        check_traces(True)
