"""Asks with KServe's inference client in its first protocol."""

import asyncio
import sys
from pathlib import Path

import httpx
import numpy as np
from kserve import InferenceRESTClient, RESTConfig


async def main(url: str, answers: Path) -> None:
    with np.load(answers / "churn-7.npz") as stored:
        x, y = stored["in.x"], stored["out.probs"]
    async with InferenceRESTClient(RESTConfig(protocol="v1", retries=3)) as client:
        assert await client.is_server_live(url)
        assert await client.is_model_ready(url, "churn")
        told: dict[str, str] = {}
        answer = await client.infer(
            url, {"instances": x.tolist()}, model_name="churn", response_headers=told
        )
        np.testing.assert_allclose(answer["predictions"], y, atol=1e-5)
        assert told["content-type"] == "application/json"
        assert not await client.is_model_ready(url, "cut")
        await check_refusals(client, url)


async def check_refusals(client: InferenceRESTClient, url: str) -> None:
    for model, body, status, words in (
        ("nobody", {"instances": [[0, 0]]}, 404, "Servable not found for request: Latest(nobody)"),
        ("churn", {"instances": [[0, 0, 0]]}, 400, "instances[0]"),
        ("churn", {"rows": [[0, 0]]}, 400, "Missing 'inputs' or 'instances' key"),
        ("cut", {"instances": [[0, 0]]}, 503, "damaged or incomplete"),
    ):
        try:
            await client.infer(url, body, model_name=model)
        except httpx.HTTPStatusError as error:
            assert error.response.status_code == status, error
            assert words in str(error), error
        else:
            raise AssertionError(f"was not refused: {body}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
    print("done")
