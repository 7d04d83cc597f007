"""Builds requests with MLServer's types and codecs, sends them with requests, reads the answers."""

import sys
from pathlib import Path

import numpy as np
import requests
from mlserver.codecs import NumpyCodec, NumpyRequestCodec, StringCodec
from mlserver.types import (
    InferenceErrorResponse,
    InferenceRequest,
    InferenceResponse,
    MetadataModelResponse,
    MetadataServerResponse,
    RepositoryIndexResponse,
    RequestOutput,
)


def infer(url: str, model: str, request: InferenceRequest) -> requests.Response:
    headers = {"Content-Type": "application/json"}
    return requests.post(
        f"{url}/v2/models/{model}/infer",
        data=request.model_dump_json(),
        headers=headers,
        timeout=30,
    )


def read(told: requests.Response) -> InferenceResponse:
    assert told.status_code == 200, told.text
    return InferenceResponse.model_validate_json(told.content)


def check_numbers(url: str, x: np.ndarray, y: np.ndarray) -> None:
    given = NumpyCodec.encode_input("x", x)
    answer = read(infer(url, "churn", InferenceRequest(id="one", inputs=[given])))
    assert (answer.id, answer.model_name, answer.model_version) == ("one", "churn", "7")
    outputs = {output.name: output for output in answer.outputs}
    np.testing.assert_allclose(NumpyCodec.decode_output(outputs["probs"]), y, atol=1e-5)
    index = NumpyCodec.decode_output(outputs["class_index"])
    np.testing.assert_array_equal(index.ravel(), y.argmax(axis=1))
    names = np.array(["leave", "stay", "grow"])
    assert StringCodec.decode_output(outputs["label"]) == names[y.argmax(axis=1)].tolist()

    asked = InferenceRequest(inputs=[given], outputs=[RequestOutput(name="probs")])
    assert [output.name for output in read(infer(url, "churn", asked)).outputs] == ["probs"]

    whole = NumpyRequestCodec.encode_request(x)  # names its input `input-1`
    refused = infer(url, "churn", whole)
    assert refused.status_code == 400
    assert "input-1" in (InferenceErrorResponse.model_validate_json(refused.content).error or "")


def check_texts(url: str, texts: np.ndarray, expected: np.ndarray) -> None:
    for use_bytes in (True, False):
        given = StringCodec.encode_input("text", texts.ravel().tolist(), use_bytes=use_bytes)
        answer = read(infer(url, "words", InferenceRequest(inputs=[given])))
        liked = NumpyCodec.decode_output(answer.outputs[0])
        np.testing.assert_allclose(liked, expected, atol=1e-5)


def check_metadata(url: str) -> None:
    server = MetadataServerResponse.model_validate_json(requests.get(f"{url}/v2", timeout=30).text)
    assert server.name == "kerasd"
    told = requests.get(f"{url}/v2/models/churn", timeout=30).text
    assert [i.name for i in MetadataModelResponse.model_validate_json(told).inputs or []] == ["x"]
    index = requests.post(f"{url}/v2/repository/index", json={"ready": True}, timeout=30)
    entries = RepositoryIndexResponse.model_validate_json(index.text)
    assert "churn" in [entry.name for entry in entries]
    assert "cut" not in [entry.name for entry in entries]


def main(url: str, answers: Path) -> None:
    with np.load(answers / "churn-7.npz") as stored:
        check_numbers(url, stored["in.x"], stored["out.probs"])
    with np.load(answers / "words-7.npz") as stored:
        check_texts(url, stored["in.text"], stored["out.liked"])
    check_metadata(url)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
    print("done")
