"""The client: what it sends and reads, when it tries again, and what it raises."""

import subprocess
import sys
from typing import Any

import numpy as np
import orjson
import pytest

from service.base.errors import ServiceRefused, ServiceUnreachable, TensorInvalid
from service.client import Choice, Client
from tests.running import free_port
from tests.scripted import Line, scripted

AGAIN = {"Retry-After": "0"}


def metadata(dtype: str = "DT_FLOAT", name: str = "x", outputs: tuple[str, ...] = ("y",)) -> Line:
    """What the service says of a model with one input."""
    axes = [{"size": "-1", "name": ""}, {"size": "2", "name": ""}]
    shape = {"dim": axes, "unknown_rank": False}
    definition = {
        "inputs": {name: {"dtype": dtype, "tensor_shape": shape, "name": f"{name}:0"}},
        "outputs": {
            output: {"dtype": "DT_FLOAT", "tensor_shape": shape, "name": output}
            for output in outputs
        },
        "method_name": "tensorflow/serving/predict",
    }
    return Line(body={"metadata": {"signature_def": {"signature_def": {
        "serving_default": definition,
    }}}})  # fmt: skip


def binary(values: np.ndarray, index: np.ndarray, label: bytes) -> Line:
    """An answer in binary form, with decisions."""
    outputs = [
        {"name": "y", "datatype": "FP32", "shape": values.shape,
         "parameters": {"binary_data_size": values.nbytes}},
        {"name": "class_index", "datatype": "INT64", "shape": [1],
         "parameters": {"binary_data_size": 8}},
        {"name": "decision_label", "datatype": "BYTES", "shape": [1],
         "parameters": {"binary_data_size": 4 + len(label)}},
        {"name": "score", "datatype": "FP32", "shape": [1], "data": [0.75]},
    ]  # fmt: skip
    told = {"model_name": "m", "model_version": "3", "parameters": {"prediction_id": "r1-a-b"}}
    head = orjson.dumps({**told, "outputs": outputs})
    length = len(label).to_bytes(4, "little")
    body = head + values.tobytes() + index.tobytes() + length + label
    return Line(body=body, headers={"Inference-Header-Content-Length": str(len(head))})


def several(values: np.ndarray, chosen: np.ndarray) -> Line:
    """An answer in binary form of a model that gives several labels."""
    outputs = [
        {"name": "y", "datatype": "FP32", "shape": values.shape,
         "parameters": {"binary_data_size": values.nbytes}},
        {"name": "chosen", "datatype": "BOOL", "shape": chosen.shape,
         "parameters": {"binary_data_size": chosen.nbytes}},
        {"name": "label", "datatype": "BYTES", "shape": chosen.shape, "data": ["rain", ""]},
    ]  # fmt: skip
    head = orjson.dumps({"model_name": "m", "model_version": "3", "outputs": outputs})
    body = head + values.tobytes() + chosen.tobytes()
    return Line(body=body, headers={"Inference-Header-Content-Length": str(len(head))})


class TestPredict:
    def test_several_labels_are_read_in_either_form(self) -> None:
        values = np.array([[0.75, 0.25]], np.float32)
        choice = {"class_indices": [0], "labels": ["rain"], "scores": [0.75]}
        told = {"predictions": values.tolist(), "decisions": [choice], "model_version": "3"}
        lines = (metadata(), several(values, np.array([[True, False]])), Line(body=told))
        with scripted(*lines) as server, Client(server.url) as client:
            given = [client.predict("m", values), client.predict("m", values.tolist())]
        for one in given:
            assert one.choices == (Choice((0,), ("rain",), (0.75,)),)
            assert one.decisions == ()

    def test_an_array_travels_as_its_bytes(self) -> None:
        values = np.array([[0.25, 0.75]], np.float32)
        with (
            scripted(
                metadata(), binary(values, np.array([1], np.int64), "größer".encode())
            ) as server,
            Client(server.url) as client,
        ):
            given = client.predict("m", np.array([[1, 2]], np.uint8))
        assert isinstance(given.predictions, np.ndarray)
        np.testing.assert_array_equal(given.predictions, values)
        assert (given.model_version, given.prediction_id) == ("3", "r1-a-b")
        said = [(item.class_index, item.label, item.score) for item in given.decisions]
        assert said == [(1, "größer", 0.75)]
        asked = server.asked[1]
        assert asked.path == "/v2/models/m/infer"
        length = int(asked.headers["Inference-Header-Content-Length"])
        assert orjson.loads(asked.body[:length])["inputs"] == [{
            "name": "x", "shape": [1, 2], "datatype": "FP32",
            "parameters": {"binary_data_size": 8},
        }]  # fmt: skip
        assert asked.body[length:] == np.array([1, 2], np.float32).tobytes()

    def test_a_list_travels_as_json(self) -> None:
        answer = {
            "predictions": [[0.5, 0.5]],
            "decisions": [{"class_index": 0, "score": 0.5, "margin": 0.0}],
            "model_version": "3",
        }
        with scripted(metadata(), Line(body=answer)) as server, Client(server.url) as client:
            given = client.predict("m", [[1, 2]], version=3)
        assert isinstance(given.predictions, np.ndarray)
        assert given.predictions.dtype == np.float32
        assert given.decisions[0].margin == 0.0
        assert server.asked[1].path == "/v1/models/m/versions/3:predict"
        assert orjson.loads(server.asked[1].body) == {"instances": [[1, 2]]}

    def test_a_label_and_texts_travel_as_json_too(self) -> None:
        answers = [metadata("DT_STRING"), Line(body={"outputs": [[1.0, 2.0]]})]
        with scripted(*answers) as server, Client(server.url) as client:
            given = client.predict("m", {"x": np.array([["a"]])}, label="stable")
        assert given.model_version == ""
        assert server.asked[1].path == "/v1/models/m/labels/stable:predict"
        assert orjson.loads(server.asked[1].body) == {"inputs": {"x": [["a"]]}}

    @pytest.mark.parametrize(
        "answer",
        [
            {"predictions": [{"a": [1.0], "b": [2.0]}, {"a": [3.0], "b": [4.0]}]},
            {"outputs": {"a": [[1.0], [3.0]], "b": [[2.0], [4.0]]}},
        ],
    )
    def test_several_outputs_come_by_name(self, answer: dict[str, Any]) -> None:
        lines = [metadata(outputs=("a", "b")), Line(body=answer)]
        with scripted(*lines) as server, Client(server.url) as client:
            given = client.predict("m", [[1, 2], [3, 4]])
        assert isinstance(given.predictions, dict)
        np.testing.assert_array_equal(given.predictions["a"], [[1], [3]])
        np.testing.assert_array_equal(given.predictions["b"], [[2], [4]])

    def test_the_signature_is_asked_for_once(self) -> None:
        lines = [metadata(), Line(body={"predictions": [[1.0, 2.0]]})]
        with scripted(*lines) as server, Client(server.url) as client:
            for _ in range(3):
                client.predict("m", [[1, 2]])
        assert [item.method for item in server.asked] == ["GET", "POST", "POST", "POST"]

    def test_a_new_version_with_another_input_is_noticed(self) -> None:
        given = Line(body={"predictions": [[1.0, 2.0]]})
        values = np.zeros((1, 2), np.float32)
        lines = [
            metadata(), given, Line(400, {"error": "unexpected input 'x'"}), metadata(name="z"),
            binary(values, np.array([0], np.int64), b"a"),
        ]  # fmt: skip
        with scripted(*lines) as server, Client(server.url) as client:
            client.predict("m", [[1, 2]])
            client.predict("m", values)
        assert b'"name":"z"' in server.asked[-1].body

    @pytest.mark.parametrize(
        ("array", "text"),
        [
            (np.array([[0.5, 1]]), "x: expected values of type int32, got float64 beyond it"),
            (np.array([[2**40, 1]]), "x: expected values of type int32, got int64 beyond it"),
        ],
    )
    def test_whole_numbers_stay_what_they_are(self, array: np.ndarray, text: str) -> None:
        with (
            scripted(metadata("DT_INT32")) as server,
            Client(server.url) as client,
            pytest.raises(TensorInvalid, match=text),
        ):
            client.predict("m", array)


class TestTryingAgain:
    @pytest.mark.parametrize("status", [429, 503])
    def test_an_answer_that_names_a_time_is_asked_for_again(self, status: int) -> None:
        lines = [Line(status, {"error": "later"}, AGAIN), Line(body={"models": [], "versions": []})]
        with scripted(*lines) as server, Client(server.url) as client:
            assert client.models() == []
        assert len(server.asked) == 2

    def test_predictions_are_asked_for_again_too(self) -> None:
        late = [Line(429, {"error": "later"}, AGAIN)] * 3
        lines = [metadata(), *late, Line(body={"predictions": [[1.0, 2.0]]})]
        with scripted(*lines) as server, Client(server.url) as client:
            client.predict("m", [[1, 2]])
        assert [item.method for item in server.asked] == ["GET"] + ["POST"] * 4

    def test_at_last_the_refusal_is_raised_with_its_status(self) -> None:
        with (
            scripted(Line(429, {"error": "busy"}, AGAIN)) as server,
            Client(server.url, retries=2) as client,
            pytest.raises(ServiceRefused, match="answered 429: busy") as refused,
        ):
            client.models()
        assert refused.value.status == 429
        assert len(server.asked) == 3

    @pytest.mark.parametrize("status", [400, 404, 500, 503, 504])
    def test_without_a_time_it_is_not(self, status: int) -> None:
        with (
            scripted(Line(status, {"error": "no"})) as server,
            Client(server.url) as client,
            pytest.raises(ServiceRefused) as refused,
        ):
            client.status("m")
        assert refused.value.status == status
        assert len(server.asked) == 1

    def test_a_connection_that_breaks_is_made_again(self) -> None:
        lines = [Line(drop=True), Line(body={"models": [], "versions": []})]
        with scripted(*lines) as server, Client(server.url) as client:
            assert client.models() == []
        assert len(server.asked) == 2

    def test_what_was_too_slow_is_not_asked_for_twice(self) -> None:
        with scripted(Line(hold=True)) as server, Client(server.url, timeout_s=0.2) as client:
            with pytest.raises(ServiceUnreachable, match="ReadTimeout"):
                client.models()
            server.end.set()
        assert len(server.asked) == 1
        assert server.asked[0].headers["X-Request-Timeout-Ms"] == "200"


class TestRefusals:
    def test_nobody_there_is_said(self) -> None:
        url = f"http://127.0.0.1:{free_port()}"
        with Client(url, retries=0) as client, pytest.raises(ServiceUnreachable, match=url):
            client.ready()

    @pytest.mark.parametrize("status", [200, 502])
    def test_another_server_is_noticed(self, status: int) -> None:
        with (
            scripted(Line(status, b"<html>")) as server,
            Client(server.url) as client,
            pytest.raises(ServiceRefused, match=f"{status}: no JSON; is it kerasd"),
        ):
            client.models()

    def test_waiting_ends(self) -> None:
        lines = [Line(503, {"ready": False}), Line(200, {"ready": True})]
        with scripted(*lines) as server, Client(server.url) as client:
            client.wait_ready(timeout_s=30)
            assert client.ready()
        never = Line(503, {"ready": False, "waits_for": ["digits"]})
        with (
            scripted(never) as server,
            Client(server.url) as client,
            pytest.raises(ServiceRefused, match=r"503: .*digits"),
        ):
            client.wait_ready(timeout_s=0)

    def test_the_key_is_sent(self) -> None:
        answer = Line(body={"ready": True})
        with scripted(answer) as server, Client(server.url, api_key="k3y") as client:
            client.ready()
        assert server.asked[0].headers["Authorization"] == "Bearer k3y"


def test_importing_it_imports_no_server() -> None:
    heavy = {"flask", "onnxruntime", "tensorflow", "keras", "pydantic", "sqlalchemy"}
    check = f"import service.client, sys; assert not {heavy!r} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True, capture_output=True)
