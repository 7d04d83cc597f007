"""One contract for both ways in: whatever Flask answers to a prediction, the front answers too."""

from collections.abc import Iterator
from typing import Any

import pytest

from service.base.signature import STRING, Signature, TensorSpec
from service.repository.model_config import ModelConfig
from service.repository.states import State
from service.web.process import WebProcess
from tests.fakes import FakeVersion
from tests.web.client import Client, row, working

TWO_INPUTS = Signature(
    (TensorSpec("a", "float32", (None, 2)), TensorSpec("b", "int32", (None,))),
    (TensorSpec("p", "float32", (None, 2)), TensorSpec("q", "float32", (None, 2))),
)
WORDS = Signature((TensorSpec("w", STRING, (None, 1)),), (TensorSpec("out", STRING, (None, 1)),))
NUMBER = Signature(
    (TensorSpec("x", "float32", (None, 1)),), (TensorSpec("y", "float32", (None, 1)),)
)
FAKES = {
    "m": FakeVersion(),
    "two": FakeVersion(TWO_INPUTS),
    "words": FakeVersion(WORDS),
    "number": FakeVersion(NUMBER, factor=3.0),
    "nan": FakeVersion(factor=float("inf")),
    "total": FakeVersion(sums=True),
    "boom": FakeVersion(error=RuntimeError("secret path /x")),
}
LABELLED = ModelConfig(labels=("a", "b", "c"), version_labels={"stable": 2, "canary": 3})
OTHERS = (row("broken", State.FAILED, "x.h5: damaged"), row("young", State.COMPILING))
REQUEST_ID = "x-request-id"


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    """A worker with fake versions, one that failed, and one that is not compiled yet."""
    folder = tmp_path_factory.mktemp("app")
    with working(folder, FAKES, {"m": LABELLED}, OTHERS, load_wait_s=0.05) as process:
        yield process


class TestPredict:
    def test_rows_are_answered_with_decisions(self, client: Client) -> None:
        answer = client.predict("m", {"instances": [[0.25, 0.75, 0.5], [1, 0, 0]]})
        assert answer.status == 200
        assert answer.json == {
            "predictions": [[0.25, 0.75, 0.5], [1.0, 0.0, 0.0]],
            "decisions": [
                {"class_index": 1, "label": "b", "score": 0.75, "margin": 0.25},
                {"class_index": 0, "label": "a", "score": 1.0, "margin": 1.0},
            ],
            "model_version": "2",
        }

    def test_columns_are_answered_as_outputs(self, client: Client) -> None:
        answer = client.predict("m", {"inputs": {"x": [[0.0, 0.0, 1.0]]}})
        assert answer.json["outputs"] == [[0.0, 0.0, 1.0]]

    def test_several_inputs_and_outputs_go_by_name(self, client: Client) -> None:
        rows = [{"a": [0.5, 1.5], "b": 7}, {"a": [2.5, 3.5], "b": 8}]
        answer = client.predict("two", {"instances": rows})
        assert answer.json["predictions"][1] == {"p": [2.5, 3.5], "q": [2.5, 3.5]}
        columns = {"a": [[0.5, 1.5]], "b": [7]}
        answer = client.predict("two", {"inputs": columns})
        assert answer.json["outputs"] == {"p": [[0.5, 1.5]], "q": [[0.5, 1.5]]}

    def test_strings_and_base64_are_strings(self, client: Client) -> None:
        answer = client.predict("words", {"instances": [["grün"], [{"b64": "Z3LDvG4="}]]})
        assert answer.json["predictions"] == [["grün"], ["grün"]]

    def test_a_version_in_the_path_is_that_version(self, client: Client) -> None:
        body = {"instances": [[1, 2, 3]]}
        assert client.post("/v1/models/m/versions/2:predict", body).status == 200
        missing = client.post("/v1/models/m/versions/3:predict", body)
        assert missing.status == 404
        assert missing.json["error"] == "Servable not found for request: Specific(m, 3)"

    def test_a_label_in_the_path_is_the_version_of_that_name(self, client: Client) -> None:
        def by_label(label: str) -> tuple[int, Any]:
            answer = client.post(f"/v1/models/m/labels/{label}:predict", {"instances": [[1, 2, 3]]})
            return answer.status, answer.json.get("error")

        assert by_label("stable") == (200, None)
        assert by_label("nope") == (400, "Unrecognized servable version label: nope")
        assert by_label("canary") == (404, "Servable not found for request: Specific(m, 3)")

    def test_examples_are_classified(self, client: Client) -> None:
        body = {"context": {"x": [0, 1, 0]}, "examples": [{"x": [0.25, 0.5, 0.25]}, {}]}
        answer = client.post("/v1/models/m:classify", body)
        assert answer.json == {"results": [
            [["a", 0.25], ["b", 0.5], ["c", 0.25]], [["a", 0.0], ["b", 1.0], ["c", 0.0]],
        ]}  # fmt: skip
        refused = client.post("/v1/models/number:classify", {"examples": [{"x": 1}]})
        assert refused.status == 400
        assert "doesn't classify" in refused.json["error"]

    def test_examples_are_regressed(self, client: Client) -> None:
        answer = client.post("/v1/models/number:regress", {"examples": [{"x": 1.5}, {"x": [2]}]})
        assert answer.json == {"results": [4.5, 6.0]}
        refused = client.post("/v1/models/m:regress", {"examples": [{"x": [1, 2, 3]}]})
        assert refused.status == 400
        assert "doesn't regress" in refused.json["error"]


class TestRequestIds:
    PATHS = (
        ("POST", "/v1/models/m:predict", 400), ("POST", "/v1/models/nope:predict", 404),
        ("POST", "/v2/models/m/infer", 400), ("GET", "/livez", 200), ("HEAD", "/livez", 200),
        ("POST", "/livez", 405), ("GET", "/readyz", 503), ("GET", "/metrics", 200),
        ("GET", "/v1/models", 200), ("GET", "/nowhere", 404), ("OPTIONS", "/v1/models", 400),
    )  # fmt: skip

    @pytest.mark.parametrize(("method", "path", "status"), PATHS)
    def test_every_answer_has_one(
        self, client: Client, method: str, path: str, status: int
    ) -> None:
        answer = client.ask(method, path, X_Request_Id="q-1")
        assert (answer.status, answer.headers[REQUEST_ID]) == (status, "q-1")
        own = client.ask(method, path).headers[REQUEST_ID]
        assert own not in ("q-1", client.ask(method, path).headers[REQUEST_ID])

    @pytest.mark.parametrize("given", ["é" * 9, "a" * 129, "a\tb"])
    def test_a_forged_one_is_replaced(self, client: Client, given: str) -> None:
        forged = client.predict("m", {"instances": [[1, 2, 3]]}, X_Request_Id=given)
        assert forged.headers[REQUEST_ID].replace("-", "").isalnum()


class TestBadRequests:
    @pytest.mark.parametrize(
        ("body", "text"),
        [
            (b"", "JSON Parse error: The document is empty"),
            (b"{", "JSON Parse error: "),
            (b'{"instances": [[NaN, 1, 2]]}', "NaN and Infinity are no JSON numbers"),
            (b'{"instances": ' + b"[" * 10**5, "JSON Parse error: "),
            (b'{"instances": ' + b"[" * 10**6, "more than 500000 values that can only be read"),
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
    def test_each_is_400_with_its_place(self, client: Client, body: bytes, text: str) -> None:
        answer = client.predict("m", body)
        assert answer.status == 400
        assert text in answer.json["error"]
        assert list(answer.json) == ["error"]

    def test_a_body_over_the_limit_is_413(self, client: Client) -> None:
        answer = client.predict("m", b"0" * (1024 * 1024 + 1))
        assert answer.status == 413
        assert "max_body_mb" in answer.json["error"]

    def test_an_unknown_model_is_404(self, client: Client) -> None:
        answer = client.predict("nope", {"instances": [[1]]})
        assert answer.status == 404
        assert answer.json["error"] == "Servable not found for request: Latest(nope)"


class TestNotServed:
    @pytest.mark.parametrize(
        ("model", "why"),
        [("broken", "version 2 failed: x.h5: damaged"), ("young", "version 2 is being compiled")],
    )
    def test_a_known_model_that_is_not_there_is_503(
        self, client: Client, model: str, why: str
    ) -> None:
        answer = client.predict(model, {"instances": [[1]]})
        assert answer.status == 503
        assert why in answer.json["error"]
        assert answer.headers["retry-after"] == "1"

    def test_an_error_of_ours_is_not_shown(self, client: Client) -> None:
        answer = client.predict("boom", {"instances": [[1, 2, 3]]}, X_Request_Id="q-2")
        assert (answer.status, answer.json) == (500, {"error": "internal error (request id q-2)"})

    def test_an_infinite_output_is_an_error_and_no_null(self, client: Client) -> None:
        answer = client.predict("nan", {"instances": [[1, 1, 1], [1, 2, 3]]})
        assert answer.status == 400
        assert "output 'y' is not a finite number for instance 0" in answer.json["error"]

    def test_a_model_that_mixes_its_instances_is_an_error(self, client: Client) -> None:
        answer = client.predict("total", {"instances": [[1, 1, 1], [1, 2, 3]]})
        assert answer.status == 500
        assert "output 'y' has shape (1, 3) for 2 instances" in answer.json["error"]


class TestOtherRoutes:
    def test_errors_are_json_everywhere(self, client: Client) -> None:
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

    def test_health(self, client: Client) -> None:
        assert client.ask("GET", "/livez").json == {"live": True}
        head = client.ask("HEAD", "/livez")
        assert (head.status, head.body) == (200, b"")
        assert head.headers["content-length"] == str(len(client.ask("GET", "/livez").body))
        for method in ("POST", "DELETE", "PUT"):
            assert client.ask(method, "/livez").json == {
                "error": f"Method {method} is not allowed for /livez"
            }
        assert client.ask("GET", "/").json == {"status": "alive"}
        not_ready = client.ask("GET", "/readyz")
        assert not_ready.status == 503
        assert "young" in not_ready.json["waits_for"]
        assert "broken" not in not_ready.json["waits_for"]

    def test_status_and_list(self, client: Client) -> None:
        listed = client.ask("GET", "/v1/models").json
        assert listed["models"] == sorted([*FAKES, "broken", "young"])
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

    def test_metadata_has_the_signature(self, client: Client) -> None:
        answer = client.ask("GET", "/v1/models/two/metadata").json
        assert answer["model_spec"] == {"name": "two", "signature_name": "", "version": "2"}
        definition = answer["metadata"]["signature_def"]["signature_def"]["serving_default"]
        assert definition["inputs"]["b"]["dtype"] == "DT_INT32"
        sizes = [dim["size"] for dim in definition["inputs"]["a"]["tensor_shape"]["dim"]]
        assert sizes == ["-1", "2"]

    def test_metrics_count_what_was_asked(self, client: Client) -> None:
        client.predict("m", {"instances": [[0, 1, 0]] * 4})
        client.predict("m", b"{}")
        text = client.ask("GET", "/metrics").body.decode()
        assert 'kerasd_predictions_total{class="b",model="m",version="2"}' in text
        assert 'outcome="invalid"' in text
        assert (
            'kerasd_model_info{alias="stable",format="h5",keras_version="2.4.0",model="m"' in text
        )
        assert 'kerasd_model_ready{model="m",version="2"} 1.0' in text
        assert 'http_route="/v1/models/{model}:predict"' in text
