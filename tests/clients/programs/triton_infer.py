"""Asks for predictions with tritonclient in every form it has: binary, JSON, chosen outputs."""

import sys
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import requests
import tritonclient.http as triton

HEADER_LENGTH = "Inference-Header-Content-Length"
LABELS = np.array(["leave", "stay", "grow"], object)


def give(x: np.ndarray, is_binary: bool = True) -> list[triton.InferInput]:
    given = triton.InferInput("x", list(x.shape), "FP32")
    given.set_data_from_numpy(x, binary_data=is_binary)
    return [given]


def check_defaults(client: triton.InferenceServerClient, x: np.ndarray, y: np.ndarray) -> None:
    """Nothing is said of outputs: all of them come, in binary."""
    answer = client.infer("churn", give(x))
    np.testing.assert_allclose(answer.as_numpy("probs"), y, atol=1e-5)
    record = answer.get_response()
    assert record["model_name"] == "churn"
    assert record["model_version"] == "7"
    assert "id" not in record
    assert answer.get_output("probs")["parameters"] == {"binary_data_size": y.nbytes}
    assert "data" not in answer.get_output("probs")
    check_decisions(answer, y)


def check_decisions(answer: triton.InferResult, y: np.ndarray) -> None:
    """Decisions are outputs like others."""
    index = answer.as_numpy("class_index")
    assert index.dtype == np.int64
    np.testing.assert_array_equal(index, y.argmax(axis=1))
    said = [label.decode() for label in answer.as_numpy("label")]
    assert said == LABELS[y.argmax(axis=1)].tolist()
    np.testing.assert_allclose(answer.as_numpy("score"), y.max(axis=1), atol=1e-5)


def check_json(client: triton.InferenceServerClient, x: np.ndarray, y: np.ndarray) -> None:
    asked = [
        triton.InferRequestedOutput(name, binary_data=False)
        for name in ("probs", "class_index", "label")
    ]
    answer = client.infer("churn", give(x, is_binary=False), outputs=asked)
    np.testing.assert_allclose(answer.as_numpy("probs"), y, atol=1e-5)
    assert answer.as_numpy("label").tolist() == LABELS[y.argmax(axis=1)].tolist()
    assert len(answer.get_output("probs")["data"]) == y.size  # flat, row after row
    assert [output["name"] for output in answer.get_response()["outputs"]] == [
        "probs", "class_index", "label"
    ]  # fmt: skip


def check_mixed(client: triton.InferenceServerClient, x: np.ndarray, y: np.ndarray) -> None:
    """Binary in and JSON out, JSON in and binary out, both in one answer."""
    as_json = [triton.InferRequestedOutput("probs", binary_data=False)]
    for is_binary in (True, False):
        answer = client.infer("churn", give(x, is_binary), outputs=as_json)
        np.testing.assert_allclose(answer.as_numpy("probs"), y, atol=1e-5)
        both = [triton.InferRequestedOutput("class_index"), *as_json]
        answer = client.infer("churn", give(x, is_binary), outputs=both)
        np.testing.assert_array_equal(answer.as_numpy("class_index"), y.argmax(axis=1))
        np.testing.assert_allclose(answer.as_numpy("probs"), y, atol=1e-5)
        assert "data" in answer.get_output("probs")
        assert "data" not in answer.get_output("class_index")
        assert answer.as_numpy("score") is None  # was not asked for


def check_classification(
    client: triton.InferenceServerClient, x: np.ndarray, y: np.ndarray
) -> None:
    for is_binary in (True, False):
        asked = [triton.InferRequestedOutput("probs", binary_data=is_binary, class_count=2)]
        answer = client.infer("churn", give(x), outputs=asked)
        best = answer.as_numpy("probs")
        assert answer.get_output("probs")["datatype"] == "BYTES"
        assert best.shape == (len(x), 2)
        for texts, row in zip(best, y, strict=True):
            order = np.argsort(-row)
            for text, index in zip(texts, order, strict=False):
                said = text.decode() if isinstance(text, bytes) else text
                value, number, label = said.split(":")
                assert (int(number), label) == (index, LABELS[index])
                assert abs(float(value) - row[index]) < 1e-5
    asked = [triton.InferRequestedOutput("probs", class_count=50)]
    assert client.infer("churn", give(x), outputs=asked).as_numpy("probs").shape == (len(x), 3)


def check_parameters(client: triton.InferenceServerClient, x: np.ndarray, y: np.ndarray) -> None:
    answer = client.infer(
        "churn", give(x), model_version="7", request_id="q-91 ä", priority=2, timeout=5_000_000,
        headers={"X-Anything": "else"}, query_params={"any": "thing"},
        parameters={"caller": "tests", "tries": 1, "urgent": False},
        sequence_id=7, sequence_start=True, sequence_end=True,
    )  # fmt: skip
    assert answer.get_response()["id"] == "q-91 ä"
    assert answer.get_response()["model_version"] == "7"
    np.testing.assert_allclose(answer.as_numpy("probs"), y, atol=1e-5)


def check_async(client: triton.InferenceServerClient, x: np.ndarray, y: np.ndarray) -> None:
    waiting = [client.async_infer("churn", give(x[i : i + 1])) for i in range(len(x))]
    for i, one in enumerate(waiting):
        np.testing.assert_allclose(one.get_result().as_numpy("probs"), y[i : i + 1], atol=1e-5)


def check_own_requests(url: str, x: np.ndarray, y: np.ndarray) -> None:
    """Bodies that the client makes and reads while another library sends them."""
    make = triton.InferenceServerClient.generate_request_body
    body, length = make(give(x), request_id="own")
    read(post(url, body, length), y)
    read(post(url, x[:1].tobytes(), 0), y[:1])  # nothing but the tensor
    body, length = make(give(x, is_binary=False))
    assert length is None
    read(post(url, body, length), y)


def post(url: str, body: bytes, header_length: int | None) -> requests.Response:
    headers = {} if header_length is None else {HEADER_LENGTH: str(header_length)}
    told = requests.post(f"{url}/v2/models/churn/infer", data=body, headers=headers, timeout=30)
    assert told.status_code == 200, told.text
    assert told.headers["Content-Type"] == "application/octet-stream"
    return told


def read(told: requests.Response, y: np.ndarray) -> None:
    header = int(told.headers[HEADER_LENGTH])
    answer = triton.InferenceServerClient.parse_response_body(told.content, header_length=header)
    np.testing.assert_allclose(answer.as_numpy("probs"), y, atol=1e-5)


def main(url: str, answers: Path) -> None:
    with np.load(answers / "churn-7.npz") as stored:
        x, y = stored["in.x"], stored["out.probs"]
    with triton.InferenceServerClient(urlsplit(url).netloc, concurrency=4) as client:
        for check in (
            check_defaults, check_json, check_mixed, check_classification, check_parameters,
            check_async,
        ):  # fmt: skip
            check(client, x, y)
    check_own_requests(url, x, y)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
    print("done")
