"""The real service sends its spans to a collector, and goes on where there is none."""

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.running import RunningService, free_port, running

pytestmark = pytest.mark.slow

MODEL = "breast-cancer"
PREDICT = "POST /v1/models/{model}:predict"
TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
STAGES = {"decode", "infer", "encode"}  # and the queue, where there was one


class Collector(ThreadingHTTPServer):
    """Takes traces by OTLP over HTTP."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.services: set[str] = set()
        super().__init__(("127.0.0.1", 0), Taking)

    def take(self, body: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            named = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
            self.services.add(named["service.name"])
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)


class Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Collector)
        assert self.path == "/v1/traces"
        self.server.take(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def collecting() -> Iterator[Collector]:
    with Collector() as collector:
        thread = threading.Thread(target=collector.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield collector
        finally:
            collector.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def repository(sample_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One model, with requests to warm it of which the second doesn't fit."""
    folder = tmp_path_factory.mktemp("traced") / "repository"
    shutil.copytree(sample_repository / MODEL, folder / MODEL)
    rows = json.loads((folder / MODEL / "examples.json").read_text())["instances"][:2]
    samples = [{"instances": rows}, {"instances": [[1, 2]]}]
    (folder / MODEL / "warm_up.json").write_text(json.dumps(samples))
    return folder


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared, so that the model is compiled once."""
    return tmp_path_factory.mktemp("traced-state") / "state"


def ask(service: RunningService, body: bytes, sampled: str = "01") -> requests.Response:
    headers = {"traceparent": f"00-{TRACE}-{CALLER}-{sampled}"}
    url = f"{service.url}/v1/models/{MODEL}:predict"
    return requests.post(url, data=body, headers=headers, timeout=60)


def test_requests_are_spans_in_the_traces_of_their_callers(
    repository: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = (repository / MODEL / "examples.json").read_bytes()
    with collecting() as collector:
        monkeypatch.setenv(
            "OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}"
        )
        monkeypatch.setenv("OTEL_SERVICE_NAME", "cancer-models")
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "600000")  # what comes, comes at the end
        with running(repository, state, traces="true") as service:
            service.wait_ready()
            assert ask(service, body).status_code == 200
            assert ask(service, b"{}").status_code == 400
            assert ask(service, body, sampled="00").status_code == 200
            answer = service.get("/v1/models")
            assert service.stop() == 0

    assert "traceparent" not in answer.headers
    assert collector.services == {"cancer-models"}
    ours = [span for span in collector.spans if span.trace_id.hex() == TRACE]
    good, bad = sorted(
        (span for span in ours if span.name == PREDICT), key=lambda span: span.start_time_unix_nano
    )
    assert {span.parent_span_id.hex() for span in (good, bad)} == {CALLER}
    stages = [span for span in ours if span.parent_span_id == good.span_id]
    assert {span.name for span in stages} - {"queue"} == STAGES
    assert all(
        good.start_time_unix_nano <= span.start_time_unix_nano <= good.end_time_unix_nano
        for span in stages
    )
    assert _told(good, "kerasd.model.name") == MODEL
    assert _told(bad, "http.response.status_code") == "400"
    others = {span.name for span in collector.spans if span.trace_id.hex() != TRACE}
    assert others == {"GET /v1/models"}  # /readyz was asked as well


def test_without_a_collector_everything_goes_on(
    repository: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    body = (repository / MODEL / "examples.json").read_bytes()
    with running(repository, state, traces="true") as service:
        service.wait_ready()
        assert all(ask(service, body).status_code == 200 for _ in range(20))
        exposition = service.get("/metrics").text
        assert service.stop() == 0

    timed = f'kerasd_model_warm_up_duration_seconds_count{{model="{MODEL}"}} 2.0'
    assert timed in exposition  # once in each worker
    lines = [json.loads(line) for line in service.log.read_text().splitlines() if line[:1] == "{"]
    told = [line for line in lines if line["event"] == "sample requests don't fit"]
    assert {(line["model"], line["file"], line["level"]) for line in told} == {
        (MODEL, "warm_up.json", "WARNING")
    }


def _told(span: Span, key: str) -> str:
    value = next(pair.value for pair in span.attributes if pair.key == key)
    return value.string_value or str(value.int_value)
