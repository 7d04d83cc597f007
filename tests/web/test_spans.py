"""Requests leave the same spans whichever way they come in."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import format_trace_id

from service.web.process import WebProcess
from service.web.tracing import Traces
from tests.fakes import FakeVersion
from tests.web.client import Client, working

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
PREDICT = "POST /v1/models/{model}:predict"
BODY = {"instances": [[1, 2, 3]]}
LARGE = b'{"instances": [[1, 2, 3]]}' + b" " * 70_000


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    with working(tmp_path_factory.mktemp("spans"), {"m": FakeVersion()}) as process:
        yield process


@pytest.fixture
def kept(process: WebProcess) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    process.tracer = Traces(SimpleSpanProcessor(exporter))
    yield exporter
    process.tracer.close()
    process.tracer = None


def _by_name(kept: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in kept.get_finished_spans()}


@pytest.mark.parametrize("body", [BODY, LARGE], ids=["small", "large"])
def test_a_prediction_is_told_with_its_stages(
    client: Client, kept: InMemorySpanExporter, body: object
) -> None:
    answer = client.predict("m", body, traceparent=TRACEPARENT)

    spans = _by_name(kept)
    assert answer.status == 200
    assert "traceparent" not in answer.headers
    assert spans.keys() - {"queue"} == {PREDICT, "decode", "infer", "encode"}
    for span in spans.values():
        assert span.context is not None
        assert format_trace_id(span.context.trace_id) == TRACE
        assert span.attributes is not None
        assert span.attributes["kerasd.model.version"] == "2"


@pytest.mark.parametrize(
    ("model", "body", "status"),
    [("m", {"instances": [["a"]]}, 400), ("nobody", BODY, 404)],
    ids=["invalid", "unknown"],
)
def test_one_that_fails_has_its_status(
    client: Client, kept: InMemorySpanExporter, model: str, body: object, status: int
) -> None:
    assert client.predict(model, body).status == status

    span = _by_name(kept)[PREDICT]
    assert span.attributes is not None
    assert span.attributes["http.response.status_code"] == status


def test_other_routes_are_named_by_their_form(client: Client, kept: InMemorySpanExporter) -> None:
    client.ask("GET", "/v1/models/m")
    client.ask("GET", "/v2/models/m")
    client.ask("GET", "/nothing/like/this")

    assert set(_by_name(kept)) == {"GET /v1/models/{model}", "GET /v2/models/{model}", "GET"}


def test_what_is_asked_all_the_time_is_not_traced(
    client: Client, kept: InMemorySpanExporter
) -> None:
    for path in ("/livez", "/readyz", "/metrics", "/monitoring/prometheus/metrics"):
        client.ask("GET", path, traceparent=TRACEPARENT)

    assert kept.get_finished_spans() == ()
