"""One contract for both ways in: whatever Flask answers to a prediction, the front answers too."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from service.base.database import migrate, open_database
from service.base.settings import Settings
from service.base.signature import STRING, Signature, TensorSpec
from service.repository.model_config import ModelConfig
from service.repository.states import State, VersionRow
from service.repository.store import VersionStore
from service.runtime.pool import Slot
from service.web.exchange import Identity
from service.web.process import WebProcess
from tests.fakes import FakeVersion
from tests.web.client import Answer, FlaskClient, FrontClient

TWO_INPUTS = Signature(
    (TensorSpec("a", "float32", (None, 2)), TensorSpec("b", "int32", (None,))),
    (TensorSpec("p", "float32", (None, 2)), TensorSpec("q", "float32", (None, 2))),
)
WORDS = Signature((TensorSpec("w", STRING, (None, 1)),), (TensorSpec("out", STRING, (None, 1)),))
LABELLED = ModelConfig(labels=("a", "b", "c"))


def row(model: str, state: State = State.READY, reason: str = "") -> VersionRow:
    return VersionRow(model, 2, state, reason, served=state is State.READY, artefact="f" * 64)


def put(process: WebProcess, model: str, loaded: FakeVersion, config: ModelConfig) -> None:
    identity = Identity(model, 2, "f" * 64, "h5", "2.4.0")
    served = process.serve(identity, loaded, config)
    process.pool.put(Slot(model, 2, "identity", served, 0.0))


@pytest.fixture
def process(tmp_path: Path) -> WebProcess:
    """A worker's parts with fake versions; its reloader is stepped once and not started."""
    settings = Settings(state_dir=tmp_path, repository=tmp_path, load_wait_s=0.05, max_body_mb=1)
    engine = open_database(settings.database)
    migrate(engine)
    rows = [row(name) for name in ("boom", "m", "nan", "total", "two", "words")]
    rows += [row("broken", State.FAILED, "x.h5: damaged"), row("young", State.COMPILING)]
    VersionStore(engine, settings.repository_key).replace(rows)
    process = WebProcess(settings)
    process.reloader.step(0.0)
    put(process, "m", FakeVersion(), LABELLED)
    put(process, "two", FakeVersion(TWO_INPUTS), ModelConfig())
    put(process, "words", FakeVersion(WORDS), ModelConfig())
    put(process, "nan", FakeVersion(factor=float("inf")), ModelConfig())
    put(process, "total", FakeVersion(sums=True), ModelConfig())
    put(process, "boom", FakeVersion(error=RuntimeError("secret path /x")), ModelConfig())
    return process


@pytest.fixture(params=[FlaskClient, FrontClient])
def client(request: pytest.FixtureRequest, process: WebProcess) -> Any:
    return request.param(process)


def predict(client: Any, model: str, body: Any, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    answer = client.ask("POST", f"/v1/models/{model}:predict", content, **headers)
    assert isinstance(answer, Answer)
    assert answer.headers["content-type"] == "application/json"
    return answer


class TestPredict:
    def test_rows_are_answered_with_decisions(self, client: Any) -> None:
        answer = predict(client, "m", {"instances": [[0.25, 0.75, 0.5], [1, 0, 0]]})
        assert answer.status == 200
        assert answer.json == {
            "predictions": [[0.25, 0.75, 0.5], [1.0, 0.0, 0.0]],
            "decisions": [
                {"class_index": 1, "label": "b", "score": 0.75, "margin": 0.25},
                {"class_index": 0, "label": "a", "score": 1.0, "margin": 1.0},
            ],
            "model_version": "2",
        }

    def test_columns_are_answered_as_outputs(self, client: Any) -> None:
        answer = predict(client, "m", {"inputs": {"x": [[0.0, 0.0, 1.0]]}})
        assert answer.json["outputs"] == [[0.0, 0.0, 1.0]]

    def test_several_inputs_and_outputs_go_by_name(self, client: Any) -> None:
        rows = [{"a": [0.5, 1.5], "b": 7}, {"a": [2.5, 3.5], "b": 8}]
        answer = predict(client, "two", {"instances": rows})
        assert answer.json["predictions"][1] == {"p": [2.5, 3.5], "q": [2.5, 3.5]}
        columns = {"a": [[0.5, 1.5]], "b": [7]}
        answer = predict(client, "two", {"inputs": columns})
        assert answer.json["outputs"] == {"p": [[0.5, 1.5]], "q": [[0.5, 1.5]]}

    def test_strings_and_base64_are_strings(self, client: Any) -> None:
        answer = predict(client, "words", {"instances": [["grün"], [{"b64": "Z3LDvG4="}]]})
        assert answer.json["predictions"] == [["grün"], ["grün"]]

    def test_a_version_in_the_path_is_that_version(self, client: Any) -> None:
        body = orjson.dumps({"instances": [[1, 2, 3]]})
        assert client.ask("POST", "/v1/models/m/versions/2:predict", body).status == 200
        missing = client.ask("POST", "/v1/models/m/versions/3:predict", body)
        assert missing.status == 404
        assert missing.json["error"] == "Servable not found for request: Specific(m, 3)"

    def test_the_request_id_comes_back(self, client: Any) -> None:
        body = {"instances": [[1, 2, 3]]}
        assert predict(client, "m", body, X_Request_Id="q-1").headers["x-request-id"] == "q-1"
        forged = predict(client, "m", body, X_Request_Id="é" * 9)
        assert forged.headers["x-request-id"].replace("-", "").isalnum()


class TestBadRequests:
    @pytest.mark.parametrize(
        ("body", "text"),
        [
            (b"", "JSON Parse error: The document is empty"),
            (b"{", "JSON Parse error: "),
            (b'{"instances": [[NaN, 1, 2]]}', "NaN and Infinity are no JSON numbers"),
            (b'{"instances": ' + b"[" * 10**6, "JSON Parse error: "),
            (b"[1]", "must be a JSON object"),
            (b"{}", "Missing 'inputs' or 'instances' key"),
            (b'{"instances": [], "inputs": []}', "both 'instances' and 'inputs'"),
            (b'{"instances": []}', "instances: expected at least one instance"),
            (b'{"instances": 3}', "instances: expected a list, got a number"),
            (b'{"instances": [[1, 2, 3], [1, 2]]}', "instances[1]: expected 3 elements, got 2"),
            (b'{"instances": [[1, 2, [3]]]}', "instances[0][2]: expected a number, got a list"),
            (b'{"instances": [[1, 2, 3, 4]]}', "instances[0]: expected 3 elements, got 4"),
            (b'{"instances": [1, 2, 3]}', "instances[0]: expected a list"),
            (b'{"instances": [[1, 2, "3"]]}', 'instances[0][2]: expected a number, got the string'),
            (b'{"instances": [[1, 2, true]]}', "instances[0][2]: expected a number, got true"),
            (b'{"instances": [[1, 2, null]]}', "instances[0][2]: expected a number, got null"),
            (b'{"instances": [[1, 2, 1e39]]}', "instances[0][2]: expected a number within"),
            (b'{"instances": [{"z": 1}]}', "instances[0]: expected an object with the inputs x"),
            (b'{"inputs": {"z": 1}}', "Missing named input: x in 'inputs' object."),
            (b'{"instances": [[1,2,3]], "signature_name": 1}', "key must be a string value"),
            (b'{"instances": [[1,2,3]], "signature_name": "s"}', 'Serving signature name: "s"'),
        ],
    )  # fmt: skip
    def test_each_is_400_with_its_place(self, client: Any, body: bytes, text: str) -> None:
        answer = predict(client, "m", body)
        assert answer.status == 400
        assert text in answer.json["error"]
        assert list(answer.json) == ["error"]

    def test_a_body_over_the_limit_is_413(self, client: Any) -> None:
        answer = predict(client, "m", b"0" * (1024 * 1024 + 1))
        assert answer.status == 413
        assert "max_body_mb" in answer.json["error"]

    def test_an_unknown_model_is_404(self, client: Any) -> None:
        answer = predict(client, "nope", {"instances": [[1]]})
        assert answer.status == 404
        assert answer.json["error"] == "Servable not found for request: Latest(nope)"


class TestNotServed:
    @pytest.mark.parametrize(
        ("model", "why"),
        [("broken", "version 2 failed: x.h5: damaged"), ("young", "version 2 is being compiled")],
    )
    def test_a_known_model_that_is_not_there_is_503(
        self, client: Any, model: str, why: str
    ) -> None:
        answer = predict(client, model, {"instances": [[1]]})
        assert answer.status == 503
        assert why in answer.json["error"]
        assert answer.headers["retry-after"] == "1"

    def test_an_error_of_ours_is_not_shown(self, client: Any) -> None:
        answer = predict(client, "boom", {"instances": [[1, 2, 3]]}, X_Request_Id="q-2")
        assert (answer.status, answer.json) == (500, {"error": "internal error (request id q-2)"})

    def test_an_infinite_output_is_an_error_and_no_null(self, client: Any) -> None:
        answer = predict(client, "nan", {"instances": [[1, 1, 1], [1, 2, 3]]})
        assert answer.status == 500
        assert "output 'y' is not a finite number for instance 0" in answer.json["error"]

    def test_a_model_that_mixes_its_instances_is_an_error(self, client: Any) -> None:
        answer = predict(client, "total", {"instances": [[1, 1, 1], [1, 2, 3]]})
        assert answer.status == 500
        assert "output 'y' has shape (1, 3) for 2 instances" in answer.json["error"]


class TestOtherRoutes:
    def test_errors_are_json_everywhere(self, client: Any) -> None:
        for method, path, status in (
            ("GET", "/nowhere", 404),
            ("PUT", "/metrics", 405),
            ("GET", "/v1//models", 404),
            ("GET", "/v1/models/m:predict", 400),
            ("POST", "/v1/models/m:explode", 400),
            ("POST", "/v1/models/m/versions/x:predict", 400),
            ("GET", "/v1/models/nope", 404),
            ("GET", "/v1/models/nope/metadata", 404),
            ("GET", "/v1/models/m/versions/77", 404),
        ):
            answer = client.ask(method, path)
            assert (answer.status, list(answer.json)) == (status, ["error"]), path

    def test_health(self, client: Any) -> None:
        assert client.ask("GET", "/livez").json == {"live": True}
        assert client.ask("GET", "/").json == {"status": "alive"}
        not_ready = client.ask("GET", "/readyz")
        assert not_ready.status == 503
        assert "young" in not_ready.json["waits_for"]
        assert "broken" not in not_ready.json["waits_for"]

    def test_status_and_list(self, client: Any) -> None:
        listed = client.ask("GET", "/v1/models").json
        assert listed["models"] == ["boom", "broken", "m", "nan", "total", "two", "words", "young"]
        one = client.ask("GET", "/v1/models/m").json
        assert (one["name"], one["ready"]) == ("m", True)
        assert one["model_version_status"] == [
            {
                "version": "2",
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]
        broken = client.ask("GET", "/v1/models/broken").json["model_version_status"][0]
        assert broken["state"] == "END"
        assert broken["status"] == {"error_code": "INTERNAL", "error_message": "x.h5: damaged"}

    def test_metadata_has_the_signature(self, client: Any) -> None:
        answer = client.ask("GET", "/v1/models/two/metadata").json
        assert answer["model_spec"] == {"name": "two", "signature_name": "", "version": "2"}
        definition = answer["metadata"]["signature_def"]["signature_def"]["serving_default"]
        assert definition["inputs"]["b"]["dtype"] == "DT_INT32"
        sizes = [dim["size"] for dim in definition["inputs"]["a"]["tensor_shape"]["dim"]]
        assert sizes == ["-1", "2"]

    def test_metrics_count_what_was_asked(self, client: Any) -> None:
        predict(client, "m", {"instances": [[0, 1, 0]] * 4})
        predict(client, "m", b"{}")
        text = client.ask("GET", "/metrics").body.decode()
        assert 'kerasd_predictions_total{class="b",model="m",version="2"}' in text
        assert 'outcome="invalid"' in text
        assert 'kerasd_model_info{format="h5",keras_version="2.4.0",model="m",sha256="fff' in text
        assert 'kerasd_model_ready{model="m",version="2"} 1.0' in text
        assert 'http_route="/v1/models/{model}:predict"' in text
