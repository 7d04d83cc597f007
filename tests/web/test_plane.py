"""What both ways in do around an answer: compression, deadlines, limits, numbers, web pages."""

import gzip
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from service.base.errors import RuntimeLost
from service.base.metrics import REGISTRY
from service.base.signature import Signature, TensorSpec
from service.repository.model_config import ModelConfig
from service.web.arrivals import Look
from service.web.process import WebProcess
from tests.fakes import FakeVersion
from tests.runtime.held import RecordedVersion
from tests.web.client import LENGTH, Client, asking, counted, working

WIDE = Signature(
    (TensorSpec("x", "float32", (None, 1000)),), (TensorSpec("y", "float32", (None, 1000)),)
)
BODY = {"instances": [[0.25, 0.5, 0.25]]}
INFER = {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [0.25, 0.5, 0.25]}]}
CONFIGS = {
    "rows": ModelConfig(max_rows=2),
    "size": ModelConfig(max_body_mb=0.0005),
    "brief": ModelConfig(timeout_ms=250),
    "open": ModelConfig(allow_non_finite=True),
    "brim": ModelConfig(allow_non_finite=True),
}
NAMES = ("m", "rows", "size", "open")
CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "POST, GET",
    "access-control-allow-headers": "Content-Type",
}
BOMB = gzip.compress(bytes(50 * 1024 * 1024), mtime=0)


@pytest.fixture(scope="module")
def brief() -> RecordedVersion:
    return RecordedVersion()


@pytest.fixture(scope="module")
def process(
    tmp_path_factory: pytest.TempPathFactory, brief: RecordedVersion
) -> Iterator[WebProcess]:
    """A worker with limits of its models, and one that waits for TensorFlow for good."""
    fakes: dict[str, FakeVersion | Exception] = {name: FakeVersion() for name in NAMES}
    fakes |= {"wide": FakeVersion(WIDE), "coming": RuntimeLost("it isn't there"), "brief": brief}
    fakes |= {"brim": FakeVersion(factor=float("inf"))}
    folder = tmp_path_factory.mktemp("plane")
    with working(folder, fakes, CONFIGS, load_wait_s=100_000.0) as process:
        yield process


class TestCompression:
    @pytest.mark.parametrize(
        ("encoding", "compress"),
        [("gzip", gzip.compress), ("GZIP", gzip.compress), ("deflate", zlib.compress),
         ("identity", bytes)],
    )  # fmt: skip
    def test_bodies_come_in_either_way(
        self, client: Client, encoding: str, compress: Callable[[bytes], bytes]
    ) -> None:
        content = compress(orjson.dumps(BODY))
        answer = client.predict("m", content, Content_Encoding=encoding)
        assert answer.json["predictions"] == BODY["instances"]
        header = orjson.dumps(
            {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32",
                         "parameters": {"binary_data_size": 12}}]}
        )  # fmt: skip
        whole = header + np.array([1, 2, 3], "<f4").tobytes()
        length = {LENGTH: str(len(header))}  # of what was compressed
        answer = client.infer("m", compress(whole), Content_Encoding=encoding, **length)
        assert answer.json["outputs"][0]["data"] == [1, 2, 3]

    @pytest.mark.parametrize(
        ("content", "encoding", "status", "words"),
        [
            (b"{}", "br", 415, "Content-Encoding 'br' is not supported; use gzip, deflate"),
            (b"{}", "gzip, gzip", 415, "is not supported"),
            (b"{}", "gzip", 400, "is damaged"),
            (gzip.compress(b"{}" * 99, mtime=0)[:-9], "gzip", 400, "ends before its end"),
            (zlib.compress(b"{}") + b"more", "deflate", 400, "goes on after its end"),
            (BOMB, "gzip", 413, "larger than 1048576 bytes"),
        ],
    )
    def test_what_cannot_be_inflated_is_refused(
        self, client: Client, content: bytes, encoding: str, status: int, words: str
    ) -> None:
        for path in ("/v1/models/m:predict", "/v2/models/m/infer"):
            answer = client.post(path, content, Content_Encoding=encoding)
            assert answer.status == status
            assert words in answer.json["error"]

    def test_answers_of_version_2_are_compressed_for_who_asks(self, client: Client) -> None:
        values = np.arange(1000, dtype="<f4")
        described = {"name": "x", "shape": [1, 1000], "datatype": "FP32"}
        sized = {**described, "parameters": {"binary_data_size": 4000}}
        record = {"inputs": [sized], "parameters": {"binary_data_output": True}}
        plain = client.infer_raw("wide", record, values.tobytes())
        assert "content-encoding" not in plain.headers
        for name, undo in (("gzip", gzip.decompress), ("deflate", zlib.decompress)):
            answer = client.infer_raw("wide", record, values.tobytes(), Accept_Encoding=name)
            assert answer.headers["content-encoding"] == name
            assert answer.headers["vary"] == "Accept-Encoding"
            assert answer.headers[LENGTH] == plain.headers[LENGTH]
            assert undo(answer.body) == plain.body
        body = {"instances": [values.tolist()]}
        assert (
            "content-encoding" not in client.predict("wide", body, Accept_Encoding="gzip").headers
        )


class TestDeadlines:
    @pytest.mark.parametrize("text", ["0", "-1", "1.5", "soon", "", "1e3", "1" * 10, "²"])
    def test_a_timeout_that_is_none_is_a_400(self, client: Client, text: str) -> None:
        for answer in (
            client.predict("m", BODY, X_Request_Timeout_Ms=text),
            client.infer("m", INFER, X_Request_Timeout_Ms=text),
        ):
            assert answer.status == 400
            assert "X-Request-Timeout-Ms: expected a whole number" in answer.json["error"]

    def test_one_that_is_long_enough_changes_nothing(self, client: Client) -> None:
        assert client.predict("m", BODY, X_Request_Timeout_Ms="999999999").status == 200

    def test_nobody_waits_beyond_it_for_a_model_that_is_coming(self, client: Client) -> None:
        """It comes never, and without a deadline the request would be held for a day."""
        answer = client.predict("coming", BODY, X_Request_Timeout_Ms="20")
        assert answer.status == 503
        assert "The TensorFlow runtime is not available" in answer.json["error"]
        assert client.infer("coming", INFER, X_Request_Timeout_Ms="20").status == 503

    def test_how_long_a_model_is_waited_for(self, process: WebProcess) -> None:
        def waits(model: str, ticket: int, since: float, deadline: float) -> bool:
            return process.arrivals.should_wait(Look(model, None, "", ticket, since), deadline)

        now = time.monotonic()
        looked, never = 0, 10**9
        assert waits("coming", looked, now, now + 1000)
        assert not waits("coming", looked, now, now)
        assert not waits("coming", looked, now - 100_001, now + 1000)
        assert not waits("nope", looked, now, now + 1000)
        assert waits("nope", never, now + 500, now + 1000)
        assert not waits("nope", never, now - 2, now + 1000)

    def test_the_model_s_own_limit_is_a_deadline_too(
        self, client: Client, brief: RecordedVersion
    ) -> None:
        brief.deadlines.clear()
        before = time.monotonic()
        assert client.predict("brief", BODY).status == 200
        assert client.infer("brief", INFER).status == 200
        after = time.monotonic()
        for deadline in brief.deadlines:
            assert deadline is not None
            assert before + 0.25 <= deadline <= after + 0.25


class TestLimitsOfAModel:
    def test_rows(self, client: Client) -> None:
        assert client.predict("rows", {"instances": [[1, 2, 3]] * 2}).status == 200
        refused = client.predict("rows", {"instances": [[1, 2, 3]] * 3})
        assert refused.status == 400
        assert "at most 2" in refused.json["error"]
        described = {"name": "x", "shape": [3, 3], "datatype": "FP32", "data": [1] * 9}
        refused = client.infer("rows", {"inputs": [described]})
        assert refused.json["error"] == (
            "inference request batch-size must be <= 2 for 'rows', got 3"
        )

    def test_size_of_the_inflated_body(self, client: Client) -> None:
        long = b" " * 1000 + orjson.dumps(BODY)
        assert client.predict("size", orjson.dumps(BODY)).status == 200
        for answer in (
            client.predict("size", long),
            client.predict("size", gzip.compress(long), Content_Encoding="gzip"),
            client.infer("size", b" " * 1000 + orjson.dumps(INFER)),
        ):
            assert answer.status == 413
            assert "larger than 524 bytes" in answer.json["error"]
        assert client.predict("m", long).status == 200


class TestNumbersThatAreNotFinite:
    TOKENS = b'{"instances": [[NaN, Infinity, -Infinity]]}'
    TOKENS_V2 = b'{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[NaN,Infinity,0]}]}'

    def test_they_are_refused_in_and_out(self, client: Client) -> None:
        assert client.predict("m", self.TOKENS).status == 400
        assert client.infer("m", self.TOKENS_V2).status == 400
        raw = np.array([1, np.nan, 3], "<f4").tobytes()
        assert client.post("/v2/models/m/infer", raw, **{LENGTH: "0"}).status == 400

    def test_they_go_in_and_out_where_the_model_takes_them(self, client: Client) -> None:
        answer = client.predict("open", self.TOKENS)
        assert answer.status == 200
        assert b'"predictions":[[NaN,Infinity,-Infinity]]' in answer.body
        answer = client.infer("open", self.TOKENS_V2)
        assert answer.status == 200
        assert b'"data":[NaN,Infinity,0.0]' in answer.body
        assert b"Infinity" in client.predict("brim", BODY).body
        assert b'"data":[Infinity' in client.infer("brim", INFER).body


class TestStrictClients:
    def test_nothing_but_what_the_protocols_name(self, way: Any, tmp_path: Path) -> None:
        with (
            working(tmp_path, {"m": FakeVersion()}, extra_keys=False) as process,
            asking(way, process) as client,
        ):
            assert client.predict("m", BODY).json == {"predictions": BODY["instances"]}
            outputs = client.infer("m", INFER).json["outputs"]
            status = client.ask("GET", "/v1/models/m").json
        assert [output["name"] for output in outputs] == ["y"]
        assert list(status) == ["model_version_status"]


class TestWebPages:
    @pytest.fixture
    def open_client(self, way: Any, tmp_path: Path) -> Iterator[Client]:
        fakes = {"m": FakeVersion(), "boom": FakeVersion(error=RuntimeError())}
        with working(tmp_path, fakes, cors=True) as process, asking(way, process) as client:
            yield client

    @pytest.mark.parametrize(
        ("method", "path", "body", "status"),
        [("POST", "/v1/models/m:predict", BODY, 200), ("POST", "/v2/models/m/infer", INFER, 200),
         ("POST", "/v1/models/m:predict", b"{", 400), ("POST", "/v1/models/x:predict", BODY, 404),
         ("POST", "/v1/models/boom:predict", BODY, 500), ("GET", "/v1/models", b"", 200),
         ("POST", "/v1/models/m:predict", bytes(1024 * 1024 + 1), 413),
         ("GET", "/livez", b"", 200), ("GET", "/v1/models/m/metadata", b"", 200)],
    )  # fmt: skip
    def test_every_answer_may_be_read(
        self, open_client: Client, method: str, path: str, body: Any, status: int
    ) -> None:
        answer = open_client.ask(method, path, body, Origin="https://page.example")
        assert answer.status == status
        assert answer.headers.items() >= CORS.items()

    def test_preflights_are_answered_where_they_say_who_asks(self, open_client: Client) -> None:
        path = "/v1/models/m:predict"
        answer = open_client.ask("OPTIONS", path, Origin="https://page.example")
        assert (answer.status, answer.body) == (200, b"")
        assert answer.headers.items() >= CORS.items()
        assert open_client.ask("OPTIONS", path).status == 400

    def test_nothing_of_it_unless_it_is_switched_on(self, client: Client) -> None:
        answer = client.predict("m", BODY, Origin="https://page.example")
        assert not answer.headers.keys() & CORS.keys()


class TestInventedNames:
    def test_they_make_no_series(self, client: Client) -> None:
        for name in ("invented-1", "invented-2"):
            assert client.predict(name, BODY).status == 404
            assert client.infer(name, INFER).status == 404
        assert not _series("invented")
        assert client.predict("coming", BODY, X_Request_Timeout_Ms="5").status == 503
        assert _series("coming")

    def test_nor_before_it_is_known_which_models_there_are(self, way: Any, tmp_path: Path) -> None:
        with working(tmp_path, {}, is_scanned=False) as process, asking(way, process) as client:
            answer = client.predict("early", BODY, X_Request_Timeout_Ms="5")
            assert answer.status == 503
            assert "has just started" in answer.json["error"]
            assert client.infer("early", INFER, X_Request_Timeout_Ms="5").status == 503
        assert not _series("early")


def test_a_refusal_by_a_limit_is_counted(client: Client) -> None:
    labels = {"model": "size", "version": "2", "outcome": "invalid"}
    before = counted("kerasd_predict_requests_total", **labels)
    client.predict("size", bytes(1000))
    assert counted("kerasd_predict_requests_total", **labels) == before + 1


def _series(name: str) -> list[str]:
    samples = [sample for metric in REGISTRY.collect() for sample in metric.samples]
    return [str(sample) for sample in samples if any(name in v for v in sample.labels.values())]
