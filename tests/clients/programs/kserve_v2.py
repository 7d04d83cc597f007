"""Asks with KServe's inference client in the Open Inference Protocol, JSON and binary."""

import asyncio
import sys
from pathlib import Path

import httpx
import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, InferResponse, RESTConfig
from kserve.protocol.infer_type import RequestedOutput


def request(x: np.ndarray, is_binary: bool, id_: str | None = None) -> InferRequest:
    given = InferInput("x", list(x.shape), "FP32")
    given.set_data_from_numpy(x, binary_data=is_binary)
    return InferRequest("churn", [given], request_id=id_)


def check(answer: InferResponse, y: np.ndarray) -> None:
    assert answer.model_name == "churn"
    outputs = {output.name: output for output in answer.outputs}
    np.testing.assert_allclose(outputs["probs"].as_numpy(), y, atol=1e-5)
    np.testing.assert_array_equal(outputs["class_index"].as_numpy(), y.argmax(axis=1))


async def main(url: str, answers: Path) -> None:
    with np.load(answers / "churn-7.npz") as stored:
        x, y = stored["in.x"], stored["out.probs"]
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
        assert await client.is_server_live(url) is True
        assert await client.is_server_ready(url) is True
        assert await client.is_model_ready(url, "churn") is True
        assert await client.is_model_ready(url, "cut") is False
        assert await client.is_model_ready(url, "nobody") is False
        for is_binary in (True, False):
            answer = await client.infer(url, request(x, is_binary, "q-1"), model_name="churn")
            assert answer.id == "q-1"
            check(answer, y)
        plain, _ = request(x, is_binary=False).to_rest()
        check(await client.infer(url, plain, model_name="churn"), y)
        await check_outputs(client, url, x, y)
        await check_refusals(client, url)


async def check_outputs(
    client: InferenceRESTClient, url: str, x: np.ndarray, y: np.ndarray
) -> None:
    asked = request(x, is_binary=True)
    asked.request_outputs = [RequestedOutput("probs", {"binary_data": True})]
    told: dict[str, str] = {}
    answer = await client.infer(url, asked, model_name="churn", response_headers=told)
    assert told["content-type"] == "application/octet-stream"
    assert [output.name for output in answer.outputs] == ["probs"]
    np.testing.assert_allclose(answer.outputs[0].as_numpy(), y, atol=1e-5)


async def check_refusals(client: InferenceRESTClient, url: str) -> None:
    for model, x, status, words in (
        ("nobody", np.zeros((1, 2), "float32"), 404, "unknown model: 'nobody'"),
        ("churn", np.zeros((1, 3), "float32"), 400, "x"),
    ):
        try:
            await client.infer(url, request(x, is_binary=True), model_name=model)
        except httpx.HTTPStatusError as error:
            assert error.response.status_code == status, error
            assert words in str(error), error
        else:
            raise AssertionError(f"was not refused: {model} {x.shape}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
    print("done")
